"""Parts of work in threads: in their order, at the same time, and none lost."""

import threading
import time

import pytest

from picking.threads import in_threads, slices_of


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_the_order_of_the_parts(threads: int) -> None:
    def work(part: int) -> int:
        time.sleep(0.01 * (3 - part))  # the last part is done first
        return part * part

    assert in_threads(work, iter(range(4)), threads) == [0, 1, 4, 9]
    assert in_threads(work, [], threads) == []


def test_two_threads_work_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=30)
    in_threads(lambda _: both.wait(), range(2), threads=2)


def test_one_thread_is_the_calling_one() -> None:
    assert set(in_threads(lambda _: threading.get_ident(), range(3), 1)) == {threading.get_ident()}


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_in_a_part_is_raised(threads: int) -> None:
    def work(part: int) -> None:
        if part == 2:
            raise ValueError("part 2")

    with pytest.raises(ValueError, match="part 2"):
        in_threads(work, range(4), threads)


@pytest.mark.parametrize(("length", "size"), [(0, 3), (1, 3), (6, 3), (7, 3)])
def test_slices_hold_everything_once(length: int, size: int) -> None:
    slices = slices_of(length, size)
    assert [place for part in slices for place in range(length)[part]] == list(range(length))
    assert all(0 < part.stop - part.start <= size for part in slices)
