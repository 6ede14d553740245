"""What the network shall answer: a small Gaussian around every pick, one map per type."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from picking.coordinates import angstrom_xyz_to_indices_zyx

# A Gaussian is drawn out to this many sigmas: 1 % of its height.
GAUSSIAN_REACH_SIGMAS = 3.0
# The narrowest target, in map voxels: narrower ones fall between the voxels.
LEAST_SIGMA_VOXELS = 0.6


def render_targets(
    positions_xyz_angstrom: Sequence[NDArray[np.float64]],
    sigmas_angstrom: Sequence[float],
    map_shape_zyx: tuple[int, int, int],
    voxel_size_zyx_angstrom: NDArray[np.float64],
    output_stride: int,
) -> NDArray[np.float32]:
    """Draw one map per particle type, 1 at a pick and falling off as a Gaussian.

    Parameters
    ----------
    positions_xyz_angstrom : sequence of ndarray, (n, 3) xyz Å
        The picks of each type.
    sigmas_angstrom : sequence of float
        Width of each type's Gaussian, Å.
    map_shape_zyx : tuple of int
        Shape of a map.
    voxel_size_zyx_angstrom : ndarray, (3,)
        Size of a tomogram voxel.
    output_stride : int
        Tomogram voxels a side for each map voxel.

    Returns
    -------
    ndarray, (T, Z, Y, X), float32
        Overlapping Gaussians of one type join by their maximum.
    """
    maps = np.zeros((len(sigmas_angstrom), *map_shape_zyx), dtype=np.float32)
    map_voxel_angstrom = float(np.mean(voxel_size_zyx_angstrom)) * output_stride
    for particle_map, positions, sigma_angstrom in zip(
        maps, positions_xyz_angstrom, sigmas_angstrom, strict=True
    ):
        sigma = max(sigma_angstrom / map_voxel_angstrom, LEAST_SIGMA_VOXELS)
        reach = int(np.ceil(GAUSSIAN_REACH_SIGMAS * sigma))
        centres = angstrom_xyz_to_indices_zyx(positions, voxel_size_zyx_angstrom, output_stride)
        for centre_zyx in centres:
            first = np.maximum(np.rint(centre_zyx).astype(int) - reach, 0)
            last = np.minimum(np.rint(centre_zyx).astype(int) + reach + 1, map_shape_zyx)
            if np.any(first >= last):
                continue
            squares = [
                (np.arange(a, b) - centre) ** 2
                for a, b, centre in zip(first, last, centre_zyx, strict=True)
            ]
            distance_squared = (
                squares[0][:, None, None] + squares[1][None, :, None] + squares[2][None, None, :]
            )
            region = particle_map[tuple(slice(a, b) for a, b in zip(first, last, strict=True))]
            np.maximum(region, np.exp(-distance_squared / (2 * sigma**2)), out=region)
    return maps
