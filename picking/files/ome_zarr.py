"""OME-Zarr pyramids: levels, true voxel size and values, checked before anyone trusts them."""

import lzma
import zlib
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import zarr
from numcodecs.errors import UnknownCodecError
from numcodecs.registry import register_codec
from numpy.typing import NDArray
from pydantic import BaseModel, Field, ValidationError
from zarr.errors import MetadataError

from picking.errors import InputError
from picking.files.mrc_codec import MrcFileCodec
from picking.files.whole_store import WholeStore

AXES_ZYX = ("z", "y", "x")
# OME-NGFF 0.4 writes units by their UDUNITS-2 names.
UNITS_IN_ANGSTROM = {"angstrom": 1.0, "nanometer": 10.0}
# The folders of the CZII challenge say 10.000 where the voxel size is 10.012: folders are rounded,
# but a scale further away than this is a wrong or forgotten one.
MOST_SCALE_DEVIATION = 0.05
# Below this many voxels a side a "volume" is a slice or a pair of them.
LEAST_SIDE = 4
# Codecs of Python objects: a tomogram needs none, some run code from the file, some never end.
OBJECT_CODECS = {
    "pickle",
    "json2",
    "msgpack2",
    "vlen-utf8",
    "vlen-bytes",
    "vlen-array",
    "categorize",
}
# What zarr, fsspec and numcodecs' codecs raise on damaged stores; a damaged chunk may also claim to
# be larger than the memory.
STORE_ERRORS = (
    MetadataError,
    AttributeError,
    ArithmeticError,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    RuntimeError,
    EOFError,
    SystemError,
    MemoryError,
    zlib.error,
    lzma.LZMAError,
)

# So that a view of an MRC file is read like any other tomogram.
register_codec(MrcFileCodec)


class _Transformation(BaseModel):
    type: str
    scale: tuple[float, ...] | None = None


class _Level(BaseModel):
    path: str
    transformations: tuple[_Transformation, ...] = Field((), alias="coordinateTransformations")


class _Axis(BaseModel):
    name: str
    unit: str | None = None


class _Multiscale(BaseModel):
    axes: tuple[_Axis, ...] = ()
    datasets: tuple[_Level, ...] = Field(min_length=1)
    transformations: tuple[_Transformation, ...] = Field((), alias="coordinateTransformations")


class _Attributes(BaseModel):
    """The part of OME-NGFF 0.4's multiscales metadata that gives levels and scale."""

    multiscales: tuple[_Multiscale, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Pyramid:
    """An OME-Zarr volume that is open for reading.

    Parameters
    ----------
    location : str
        What messages call it.
    levels : tuple of zarr.Array
        The levels that can be opened, (Z, Y, X): level 0 first, the coarsest last.
    passed_over : tuple of str
        What is wrong with the coarser levels that are there and cannot be opened.
    voxel_size_zyx_angstrom : ndarray, (3,), float64
        True size of a voxel of level 0.
    """

    location: str
    levels: tuple[zarr.Array, ...]
    passed_over: tuple[str, ...]
    voxel_size_zyx_angstrom: NDArray[np.float64]

    @property
    def full_size(self) -> zarr.Array:
        """Level 0."""
        return self.levels[0]


def open_pyramid(store: MutableMapping[str, Any], location: str, voxel_spacing: float) -> Pyramid:
    """Open an OME-Zarr volume and check its metadata.

    Parameters
    ----------
    store : mutable mapping
        zarr store, as copick's ``tomogram.zarr()`` gives it.
    location : str
        What messages call it.
    voxel_spacing : float
        Voxel size that the folder claims, Å.

    Raises
    ------
    InputError
        If it is not an OME-Zarr volume, level 0 is missing, damaged or not 3D, or the scale is
        missing or differs from the claimed one by more than rounding.
    """
    with _store_errors(location, "is not a Zarr v2 group", "write the tomogram again"):
        group = zarr.open_group(WholeStore(store), mode="r")
        attributes = group.attrs.asdict()
    try:
        multiscale = _Attributes.model_validate(attributes).multiscales[0]
    except ValidationError as error:
        detail = error.errors()[0]
        key = ".".join(str(part) for part in detail["loc"])
        raise InputError(
            location,
            f"has odd multiscales metadata ({key}: {detail['msg']})",
            "write the tomogram as OME-Zarr 0.4 again",
        ) from None
    first, *others = (level.path for level in multiscale.datasets)
    levels, passed_over = [_open_level(group, first, location)], []
    # Only level 0 is picked from: of the others, those that are not there are not missed.
    for path in others:
        if _is_there(group, path):
            try:
                levels.append(_open_level(group, path, location))
            except InputError as error:
                passed_over.append(str(error))
    if min(levels[0].shape) < LEAST_SIDE:
        raise InputError(
            location,
            f"has the shape {levels[0].shape}, with a side below {LEAST_SIDE} voxels",
            "give a 3D tomogram (z, y, x)",
        )
    size = _voxel_size(multiscale, location, voxel_spacing)
    return Pyramid(location, tuple(levels), tuple(passed_over), size)


def read_coarsest(pyramid: Pyramid) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Read the coarsest level that is whole, which is the quickest look at a tomogram.

    Returns
    -------
    ndarray, (Z', Y', X'), float32
        Its values.
    tuple of str
        What is wrong with the levels that are coarser.

    Raises
    ------
    InputError
        If no level is whole; it tells of level 0.
    """
    passed_over = list(pyramid.passed_over)
    for level in reversed(pyramid.levels[1:]):
        try:
            return read_level(level, pyramid.location), tuple(passed_over)
        except InputError as error:
            passed_over.append(str(error))
    return read_level(pyramid.full_size, pyramid.location), tuple(passed_over)


def read_level(array: zarr.Array, location: str) -> NDArray[np.float32]:
    """Read all values of a level.

    Returns
    -------
    ndarray, (Z, Y, X), float32

    Raises
    ------
    InputError
        If a chunk is damaged or absent, a value is not finite, or all values are the same.
    """
    where = f"{location}/{array.path}"
    with _store_errors(where, "cannot be read", "copy or write the tomogram again"):
        values_zyx: NDArray[np.float32] = np.asarray(array[...]).astype(np.float32, copy=False)
    low, high = values_zyx.min(), values_zyx.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        bad = values_zyx.size - int(np.count_nonzero(np.isfinite(values_zyx)))
        raise InputError(
            where,
            f"{bad} of {values_zyx.size} values are NaN or infinite",
            "reconstruct the tomogram again, or leave out the run",
        )
    if low == high:
        raise InputError(
            where,
            f"all values are {low:g}",
            "copy the tomogram again (chunks may be missing), or leave out the run",
        )
    return values_zyx


def read_nonzero(array: zarr.Array, location: str) -> NDArray[np.bool_]:
    """Read where a level of labels is not 0; all of it may be alike.

    Returns
    -------
    ndarray, (Z, Y, X), bool

    Raises
    ------
    InputError
        If a chunk is damaged or absent.
    """
    where = f"{location}/{array.path}"
    with _store_errors(where, "cannot be read", "copy or write it again"):
        is_nonzero: NDArray[np.bool_] = np.asarray(array[...]) != 0
    return is_nonzero


@contextmanager
def _store_errors(where: str, what: str, fix: str) -> Iterator[None]:
    """Turn what zarr raises on damaged, closed and undecodable stores into one line.

    Raises
    ------
    InputError
        It says ``what`` is wrong with ``where``, or names what may not be read or is not installed.
    """
    try:
        yield
    except PermissionError as error:
        raise InputError(
            error.filename or where, "may not be read", "give yourself the permission"
        ) from None
    # Codecs of other packages are imported by numcodecs when they are asked for.
    except (UnknownCodecError, ImportError) as error:
        raise InputError(
            where,
            f"is coded with something that is not installed ({_summary(error)})",
            "install the package of the codec, or write the tomogram with another, such as blosc",
        ) from None
    except STORE_ERRORS as error:
        raise InputError(where, f"{what} ({_summary(error)})", fix) from None


def _is_there(group: zarr.Group, path: str) -> bool:
    try:
        return path in group
    except STORE_ERRORS:
        return True  # damaged, which opening it explains


def _open_level(group: zarr.Group, path: str, location: str) -> zarr.Array:
    where = f"{location}/{path}"
    what = "this level of the tomogram cannot be opened"
    with _store_errors(where, what, "copy or write the tomogram again"):
        level = group[path]
        for sides in (level.shape, level.chunks) if isinstance(level, zarr.Array) else ():
            if not all(isinstance(side, int) and side > 0 for side in sides):
                raise ValueError(f"the shape or the chunks are {sides}")
    if not isinstance(level, zarr.Array) or not np.issubdtype(level.dtype, np.number):
        raise InputError(
            where, "is not an array of numbers", "write the tomogram as OME-Zarr 0.4 again"
        )
    if np.issubdtype(level.dtype, np.complexfloating):
        raise InputError(where, "holds complex numbers", "write a tomogram of real values")
    codecs = [level.compressor, *(level.filters or ())]
    names = {str(getattr(codec, "codec_id", "")) for codec in codecs}
    if names & OBJECT_CODECS:
        raise InputError(
            where,
            f"is coded as Python objects ({', '.join(sorted(names & OBJECT_CODECS))})",
            "write the tomogram as plain numbers again",
        )
    if level.ndim != len(AXES_ZYX):
        raise InputError(
            where, f"is {level.ndim}D, of shape {level.shape}", "give a 3D tomogram (z, y, x)"
        )
    return level


def _voxel_size(
    multiscale: _Multiscale, location: str, voxel_spacing: float
) -> NDArray[np.float64]:
    """Size zyx in Å of a voxel of level 0: the level's scale times the one of all levels."""
    fix = f"give level 0 a scale of three numbers (z, y, x), about {voxel_spacing:g} Å each"
    names = tuple(axis.name for axis in multiscale.axes)
    if names not in ((), AXES_ZYX):
        raise InputError(location, f"has the axes {', '.join(names)}", "give axes z, y, x")
    scales = [
        transformation.scale or ()
        for transformation in (*multiscale.datasets[0].transformations, *multiscale.transformations)
        if transformation.type == "scale"
    ]
    if not multiscale.datasets[0].transformations or not scales:
        raise InputError(location, "level 0 has no scale in its metadata", fix)
    if any(len(scale) != len(AXES_ZYX) for scale in scales):
        raise InputError(location, f"has a scale of the wrong length: {scales[0]}", fix)
    size: NDArray[np.float64] = np.prod(np.asarray(scales, dtype=np.float64), axis=0)
    for index, axis in enumerate(multiscale.axes):
        if axis.unit is not None and axis.unit not in UNITS_IN_ANGSTROM:
            raise InputError(
                location, f"has the unit '{axis.unit}'", f"known: {', '.join(UNITS_IN_ANGSTROM)}"
            )
        size[index] *= UNITS_IN_ANGSTROM[axis.unit or "angstrom"]
    # Written so that NaN counts as a deviation.
    if not np.all(np.abs(size / voxel_spacing - 1) <= MOST_SCALE_DEVIATION):
        raise InputError(
            location,
            f"its scale says {', '.join(f'{side:g}' for side in size)} Å (z, y, x), its voxel "
            f"spacing {voxel_spacing:g} Å",
            fix,
        )
    return size


def _summary(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
