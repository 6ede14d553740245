"""Thick slices of a tomogram, cut out where something stands, and their grey values."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from picking.coordinates import angstrom_xyz_to_indices_zyx, indices_zyx_to_angstrom_xyz
from picking.files.tomogram import Tomogram

# Gold and the edges of the reconstruction would take the whole range of grey for themselves.
GREY_PERCENTILES = (0.5, 99.5)

Plane = Literal["xy", "xz", "yz"]
# The zyx axis that a slice is averaged along.
DEPTH_AXIS: dict[Plane, int] = {"xy": 0, "xz": 1, "yz": 2}


@dataclass(frozen=True)
class Slice:
    """A thick slice with its place.

    Parameters
    ----------
    values : ndarray, (rows, columns), float32
        Mean voxel values; the plane's first axis runs along the columns, its second along the rows.
    extent_angstrom : tuple of float
        Positions of the left, right, lower and upper edge of the outermost voxels, Å.
    """

    values: NDArray[np.float32]
    extent_angstrom: tuple[float, float, float, float]


def thick_slice(
    tomogram: Tomogram,
    plane: Plane,
    centre_xyz_angstrom: ArrayLike,
    thickness: int,
    half_width_angstrom: float | None = None,
) -> Slice:
    """Cut a slice through a position; at the tomogram's border it is smaller, never empty.

    Parameters
    ----------
    tomogram : Tomogram
        What to cut.
    plane : {"xy", "xz", "yz"}
        Plane of the slice.
    centre_xyz_angstrom : array_like, (3,)
        Position in the middle, Å. Outside the tomogram its nearest voxels are taken.
    thickness : int
        Voxels that are averaged.
    half_width_angstrom : float or None
        Distance in Å from the centre up to which the slice goes; None for the whole field.

    Returns
    -------
    Slice
    """
    voxel_size = tomogram.voxel_size_zyx_angstrom
    shape = np.array(tomogram.values_zyx.shape)
    (centre_zyx,) = angstrom_xyz_to_indices_zyx(centre_xyz_angstrom, voxel_size)
    depth = DEPTH_AXIS[plane]
    if half_width_angstrom is None:
        starts, stops = np.zeros(3, dtype=np.int64), shape.copy()
    else:
        reach = half_width_angstrom / voxel_size  # (3,) zyx voxels
        starts = np.floor(centre_zyx - reach).astype(np.int64)
        stops = np.ceil(centre_zyx + reach).astype(np.int64) + 1
    starts[depth] = round(float(centre_zyx[depth] - (thickness - 1) / 2))
    stops[depth] = starts[depth] + thickness
    starts = np.clip(starts, 0, shape - 1)
    stops = np.clip(stops, starts + 1, shape)
    box = tuple(slice(start, stop) for start, stop in zip(starts, stops, strict=True))
    # Voxels reach half their size beyond their centres.
    low_zyx, high_zyx = indices_zyx_to_angstrom_xyz(
        np.stack([starts - 0.5, stops - 0.5]), voxel_size
    )[:, ::-1]
    rows, columns = (axis for axis in range(3) if axis != depth)
    return Slice(
        tomogram.values_zyx[box].mean(axis=depth, dtype=np.float32),
        (low_zyx[columns], high_zyx[columns], low_zyx[rows], high_zyx[rows]),
    )


def grey_limits(values: NDArray[np.floating]) -> tuple[float, float]:
    """Find the values that become black and white: all but the farthest tails lie between.

    Parameters
    ----------
    values : ndarray
        Voxel values, of any shape and scale.

    Returns
    -------
    (float, float)
        Black and white.
    """
    black, white = np.percentile(values, GREY_PERCENTILES)
    return float(black), float(white)


def grey(values: NDArray[np.floating], limits: tuple[float, float]) -> NDArray[np.uint8]:
    """Turn values into grey, 0 (black) to 255; dark particles stay dark.

    Tomograms have values of any scale, 7e-6 for one, which drawing libraries do not all take.
    """
    black, white = limits
    # A flat slice has no range: it is black.
    share = (values.astype(np.float64) - black) / ((white - black) or 1.0)
    result: NDArray[np.uint8] = np.round(np.clip(share, 0, 1) * 255).astype(np.uint8)
    return result
