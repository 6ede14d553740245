"""MRC files: their headers, checked before anyone trusts them, and their values; only read."""

import gzip
import os
import warnings
import zlib
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
from numpy.typing import NDArray

from picking.errors import InputError, in_one_line

COMPRESSED_ENDING = ".gz"
# A main header, bytes (MRC2014).
HEADER_BYTES = 1024
# Types of voxels by the header's mode; others are complex, packed or unknown.
DTYPES = {0: np.int8, 1: np.int16, 2: np.float32, 6: np.uint16, 12: np.float16}
# IMOD's mark in the header's word 39, and the bit of word 40 that says that bytes have a sign
# (https://bio3d.colorado.edu/imod/doc/mrc_format.txt). Without the mark they have one (MRC2014).
IMOD_STAMP_OFFSET, IMOD_STAMP, SIGNED_BYTES = 152, 1146047817, 1
# The sides of a voxel that is a cube differ by rounding alone.
MOST_SIDE_DEVIATION = 0.01
# What programs write that do not know a voxel's size, Å.
UNKNOWN_SIZES = (0.0, 1.0)
# What mrcfile and the file system raise on files that are no MRC files, cut off or damaged.
MRC_ERRORS = (OSError, ValueError, EOFError, KeyError, zlib.error)


@dataclass(frozen=True)
class MrcHeader:
    """What the header of an MRC file says.

    Parameters
    ----------
    shape_zyx : tuple of int
        Voxels along z, y, x, whatever the order in the file.
    voxel_size_xyz_angstrom : tuple of float
        Size of a voxel; 0 where the header says nothing.
    file_axes_of_zyx : tuple of int
        Which axis of the file's array is z, y and x.
    dtype : dtype
        Type of the file's voxels.
    data_offset : int
        Byte at which they begin.
    """

    shape_zyx: tuple[int, int, int]
    voxel_size_xyz_angstrom: tuple[float, float, float]
    file_axes_of_zyx: tuple[int, int, int]
    dtype: np.dtype[Any]
    data_offset: int

    @property
    def voxel_angstrom(self) -> float | None:
        """Side of a voxel, Å; None if the header does not say it, or the voxels are no cubes."""
        mean = float(np.mean(self.voxel_size_xyz_angstrom))
        sides = np.array(self.voxel_size_xyz_angstrom)
        if np.isclose(mean, UNKNOWN_SIZES, atol=1e-3).any() or mean < 0:
            return None
        return mean if np.all(np.abs(sides / mean - 1) <= MOST_SIDE_DEVIATION) else None


def read_header(path: Path) -> MrcHeader:
    """Read the header of an MRC file; of a file that is not compressed also check its length.

    Raises
    ------
    InputError
        If there is no such file, it is no MRC file of a volume of real numbers, or it is cut off.
    """
    try:
        with _opened(path) as file:
            start = file.read(HEADER_BYTES)
        # mrcfile warns of what it passes over; what counts is checked below.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with mrcfile.open(path, header_only=True, permissive=True) as mrc:
                header, size = mrc.header, mrc.voxel_size
    except MRC_ERRORS as error:
        raise _unreadable(path, error) from None
    if header is None or len(start) < HEADER_BYTES:
        raise InputError(path, "is no MRC file", "give a whole file")
    mode = int(header.mode)
    if mode not in DTYPES:
        raise InputError(
            path,
            f"has voxels of mode {mode}",
            f"write the tomogram with real numbers (mode {', '.join(map(str, DTYPES))})",
        )
    is_swapped = not header.mode.dtype.isnative
    dtype = np.dtype(DTYPES[mode])
    dtype = dtype.newbyteorder() if is_swapped else dtype
    if mode == 0 and _has_unsigned_bytes(start, is_swapped):
        dtype = np.dtype(np.uint8)
    file_shape = (int(header.nz), int(header.ny), int(header.nx))
    axes = _file_axes(path, header)
    z, y, x = (file_shape[axis] for axis in axes)
    offset = HEADER_BYTES + int(header.nsymbt)
    if min(file_shape) < 1 or int(header.nsymbt) < 0:
        raise InputError(path, f"is no MRC file: its shape is {file_shape}", "give a whole file")
    bytes_needed = offset + prod(file_shape) * dtype.itemsize
    if path.suffix.lower() != COMPRESSED_ENDING and path.stat().st_size < bytes_needed:
        raise InputError(
            path,
            f"is cut off: it has {path.stat().st_size} of {bytes_needed} bytes",
            "copy the file again, or leave out the run",
        )
    sides = [float(size[axis]) if np.isfinite(size[axis]) else 0.0 for axis in "xyz"]
    return MrcHeader((z, y, x), (sides[0], sides[1], sides[2]), axes, dtype, offset)


def read_values(path: Path, out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """Read the values of an MRC file; one that is not compressed is mapped into memory.

    Parameters
    ----------
    path : Path
        The file.
    out : ndarray, (Z, Y, X), float32, or None
        Where to write them; None: a new array.

    Returns
    -------
    ndarray, (Z, Y, X), float32

    Raises
    ------
    InputError
        As :func:`read_header`, or if the file is damaged, or of another shape than ``out``.
    """
    header = read_header(path)
    if out is not None and out.shape != header.shape_zyx:
        raise InputError(
            path, f"has the shape {header.shape_zyx}, not {out.shape}", "import the data again"
        )
    file_shape = tuple(header.shape_zyx[header.file_axes_of_zyx.index(axis)] for axis in range(3))
    try:
        values: NDArray[Any]
        if path.suffix.lower() == COMPRESSED_ENDING:
            with gzip.open(path) as file:
                file.seek(header.data_offset)
                content = file.read(prod(file_shape) * header.dtype.itemsize)
            values = np.frombuffer(content, header.dtype).reshape(file_shape)
        else:
            values = np.memmap(path, header.dtype, "r", header.data_offset, file_shape)
    except MRC_ERRORS as error:
        raise _unreadable(path, error) from None
    values_zyx = values.transpose(header.file_axes_of_zyx)
    if out is None:
        return np.ascontiguousarray(values_zyx, dtype=np.float32)
    np.copyto(out, values_zyx)
    return out


def _opened(path: Path) -> Any:
    return gzip.open(path) if path.suffix.lower() == COMPRESSED_ENDING else path.open("rb")


def _unreadable(path: Path, error: BaseException) -> InputError:
    reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else None
    summary = reason or (in_one_line(error) if isinstance(error, Exception) else str(error))
    return InputError(path, f"cannot be read as an MRC file ({summary})", "give a whole file")


def _has_unsigned_bytes(start: bytes, is_swapped: bool) -> bool:
    words = np.frombuffer(start, np.int32, 2, IMOD_STAMP_OFFSET)
    words = words.byteswap() if is_swapped else words
    return int(words[0]) == IMOD_STAMP and not int(words[1]) & SIGNED_BYTES


def _file_axes(path: Path, header: Any) -> tuple[int, int, int]:
    """Find which axis of the file's array, (sections, rows, columns), is z, y and x."""
    named = [int(header[name]) for name in ("maps", "mapr", "mapc")]  # 1 for x, 2 for y, 3 for z
    if not any(named):  # old programs leave them out
        named = [3, 2, 1]
    if sorted(named) != [1, 2, 3]:
        raise InputError(
            path,
            f"says that its columns, rows and sections are the axes {named[::-1]}",
            "write the file again: MAPC, MAPR and MAPS are 1, 2 and 3 in some order",
        )
    return named.index(3), named.index(2), named.index(1)
