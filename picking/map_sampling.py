"""Reading stage 1's maps at candidates' positions and in balls around them."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from picking.coordinates import angstrom_xyz_to_indices_zyx
from picking.particle_grid import particle_grid

# Candidates that are looked at together: bounds the memory of the gathered balls.
BATCH = 256


def at_positions(
    maps_czyx: NDArray[np.float32],
    positions_xyz_angstrom: NDArray[np.float64],
    voxel_size_zyx_angstrom: NDArray[np.float64],
    stride: int,
) -> NDArray[np.float32]:
    """Interpolate maps trilinearly at positions.

    Parameters
    ----------
    maps_czyx : ndarray, (C, Z, Y, X), float32
        Maps with ``stride`` tomogram voxels a side for each of their voxels.
    positions_xyz_angstrom : ndarray, (n, 3), float64
        Positions, Å; beyond the border the nearest voxel counts.
    voxel_size_zyx_angstrom : ndarray, (3,), float64
        Size of a tomogram voxel, Å.
    stride : int
        Tomogram voxels a side for each map voxel.

    Returns
    -------
    ndarray, (n, C), float32
    """
    indices_zyx = angstrom_xyz_to_indices_zyx(
        positions_xyz_angstrom, voxel_size_zyx_angstrom, stride
    )
    values = np.empty((len(indices_zyx), len(maps_czyx)), dtype=np.float32)
    for channel, map_zyx in enumerate(maps_czyx):
        values[:, channel] = ndimage.map_coordinates(
            map_zyx, indices_zyx.T, output=np.float32, order=1, mode="nearest"
        )
    return values


def in_balls(
    maps_czyx: NDArray[np.float32],
    positions_xyz_angstrom: NDArray[np.float64],
    ball_radii_angstrom: NDArray[np.float64],
    voxel_size_zyx_angstrom: NDArray[np.float64],
    stride: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and maximum of maps in a ball around each position.

    The ball is sampled at the points of :func:`~picking.particle_grid.particle_grid` within its
    radius, each by its nearest voxel.

    Parameters
    ----------
    maps_czyx : ndarray, (C, Z, Y, X), float32
        Maps with ``stride`` tomogram voxels a side for each of their voxels.
    positions_xyz_angstrom : ndarray, (n, 3), float64
        Centres, Å.
    ball_radii_angstrom : ndarray, (n,), float64
        Radius of each ball, Å.
    voxel_size_zyx_angstrom : ndarray, (3,), float64
        Size of a tomogram voxel, Å.
    stride : int
        Tomogram voxels a side for each map voxel.

    Returns
    -------
    mean, maximum : ndarray, (n, C), float32
    """
    channels, *shape_zyx = maps_czyx.shape
    points = particle_grid().offsets_zyx[particle_grid().body]  # (points, 3) zyx, in ball radii
    indices_zyx = angstrom_xyz_to_indices_zyx(
        positions_xyz_angstrom, voxel_size_zyx_angstrom, stride
    )
    per_map_voxel = points / voxel_size_zyx_angstrom / stride
    last_zyx = np.asarray(shape_zyx) - 1
    flat_maps = maps_czyx.reshape(channels, -1)
    mean = np.empty((len(indices_zyx), channels), dtype=np.float32)
    maximum = np.empty_like(mean)
    for start in range(0, len(indices_zyx), BATCH):
        some = slice(start, start + BATCH)
        reach = ball_radii_angstrom[some, None, None]
        around = indices_zyx[some, None, :] + reach * per_map_voxel  # (batch, points, 3) zyx
        nearest = np.clip(np.rint(around).astype(np.int64), 0, last_zyx)
        places = np.ravel_multi_index(tuple(np.moveaxis(nearest, -1, 0)), tuple(shape_zyx))
        for channel in range(channels):
            values = flat_maps[channel].take(places)
            mean[some, channel] = values.mean(axis=1)
            maximum[some, channel] = values.max(axis=1)
    return mean, maximum
