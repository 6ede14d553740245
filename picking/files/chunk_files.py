"""Chunk files of a level on this machine, counted by their names without reading their content."""

import json
import os
import re
from collections.abc import Iterator, Sequence
from itertools import count
from math import prod
from pathlib import Path

import zarr

from picking.errors import InputError
from picking.files.whole_store import NESTED_SEPARATOR, WRITE_EMPTY_CHUNKS, WholeStore

# What stands between the indices in a chunk's name where the metadata do not say.
FLAT_SEPARATOR = "."
CHUNK_INDEX = re.compile(r"0|[1-9][0-9]*")

Index = tuple[int, ...]


def check_chunk_files(level: zarr.Array, location: str) -> None:
    """Refuse a level some of whose chunks are not there, in no more time than listing them takes.

    Whether a chunk is damaged shows when it is read.

    Parameters
    ----------
    level : zarr.Array
        Level of a pyramid. If its files are not on this machine, nothing is checked.
    location : str
        What messages call the tomogram.

    Raises
    ------
    InputError
        It says how many of how many files are absent, empty, or may not be read.
    """
    folder = level.store.local_folder if isinstance(level.store, WholeStore) else None
    if folder is None:
        return
    metadata = json.loads(level.store[f"{level.path}/.zarray"])
    # copick looks for nested chunks whatever the metadata say, and the metadata's are taken too.
    is_nested = metadata.get("dimension_separator") == NESTED_SEPARATOR
    separators = (NESTED_SEPARATOR,) if is_nested else (NESTED_SEPARATOR, FLAT_SEPARATOR)
    sides = level.cdata_shape
    there = {
        index
        for separator in separators
        for index, file in _chunk_files(folder / level.path, len(sides), separator)
        if all(number < side for number, side in zip(index, sides, strict=True))
        and _holds_something(file)
    }
    number = prod(sides)
    if len(there) < number:
        # Damaged metadata may ask for any number of chunks: the first gap is among the first few.
        gap = next(index for place in count() if (index := _index_at(place, sides)) not in there)
        raise InputError(
            f"{location}/{level.path}",
            f"{number - len(there)} of {number} chunks are absent, empty or may not be read, for "
            f"instance {'.'.join(map(str, gap))}; {WRITE_EMPTY_CHUNKS}",
            "copy the tomogram again, or leave out the run",
        )


def _chunk_files(
    folder: Path, dimensions: int, separator: str
) -> Iterator[tuple[Index, os.DirEntry[str]]]:
    """List what is named as a chunk: ``0/1/2`` below the folder, or ``0.1.2`` in it."""
    try:
        entries = list(os.scandir(folder))
    except OSError:  # it is not there, no folder, or may not be read: its chunks are missed
        return
    for entry in entries:
        numbers = [entry.name] if separator == NESTED_SEPARATOR else entry.name.split(separator)
        if not all(CHUNK_INDEX.fullmatch(number) for number in numbers):
            continue
        index = tuple(map(int, numbers))
        if len(index) == dimensions:
            yield index, entry
        elif separator == NESTED_SEPARATOR:
            for rest, file in _chunk_files(Path(entry.path), dimensions - 1, separator):
                yield (*index, *rest), file


def _index_at(place: int, sides: Sequence[int]) -> Index:
    """Index of the chunk at a place in the order in which the last side runs fastest."""
    index: Index = ()
    for side in reversed(sides):
        place, number = divmod(place, side)
        index = (number, *index)
    return index


def _holds_something(file: os.DirEntry[str]) -> bool:
    """Whether a file, or what a link leads to, has content and may be read."""
    try:
        return file.is_file() and file.stat().st_size > 0 and os.access(file.path, os.R_OK)
    except OSError:
        return False
