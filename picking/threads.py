"""Work on the parts of something in several threads.

A result must not depend on the number of threads. So the parts are cut by their content, never by
that number, and whoever puts them together does it in their order.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Part = TypeVar("Part")
Result = TypeVar("Result")


def in_threads(work: Callable[[Part], Result], parts: Iterable[Part], threads: int) -> list[Result]:
    """Call a function with every part.

    Parameters
    ----------
    work : callable
        Called with one part; calls for different parts must not depend on one another.
    parts : iterable
        The parts.
    threads : int
        Calls at a time; 1: one after the other, in the calling thread.

    Returns
    -------
    list
        What the calls returned, in the order of the parts.
    """
    listed = list(parts)
    if min(threads, len(listed)) <= 1:
        return [work(part) for part in listed]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, listed))


def slices_of(length: int, size: int) -> list[slice]:
    """Cut 0 ... ``length`` into slices of ``size``, of which the last one may be shorter."""
    return [slice(start, min(start + size, length)) for start in range(0, length, size)]
