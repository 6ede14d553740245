"""Subtomograms: cubes around candidates, resampled to the particle's own scale.

Every type's cube covers the same number of radii with the same number of points, so that a
measure of a cube means the same for a ferritin and for a ribosome.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from picking.coordinates import angstrom_xyz_to_indices_zyx
from picking.particle_grid import EXTENT_RADII, GRID_SIDE, STEP_RADII, particle_grid
from picking.threads import in_threads, slices_of

# Planes (z) of a result that are averaged in one go: what they are made from stays in the
# processor's cache.
PLANES_TOGETHER = 2
COARSEST_LEVEL = 4  # 16 voxels to one: enough for particles of any size that fits a tomogram

BeyondBorder = Literal["mirror", "nearest"]


@dataclass(frozen=True)
class Subtomograms:
    """Cubes around n candidates of one particle type.

    Parameters
    ----------
    values : ndarray, (n, P), float32
        Normalised tomogram values at the points of :func:`particle_grid`; dark is negative.
    inside_fraction : ndarray, (n,), float32
        Share of the ball of 1.5 radii that lies inside the tomogram.
    """

    values: NDArray[np.float32]
    inside_fraction: NDArray[np.float32]

    @cached_property
    def values_nzyx(self) -> NDArray[np.float32]:
        """The values as cubes, (n, 17, 17, 17)."""
        return self.values.reshape(-1, GRID_SIDE, GRID_SIDE, GRID_SIDE)

    @cached_property
    def body_values(self) -> NDArray[np.float32]:
        """Values within one radius, (n, points of the body)."""
        return self.values[:, particle_grid().body]

    @cached_property
    def surround_values(self) -> NDArray[np.float32]:
        """Values around the particle, (n, points of the surround)."""
        return self.values[:, particle_grid().surround]

    @cached_property
    def background(self) -> NDArray[np.float32]:
        """Median of the surroundings, (n,), sigma: a neighbour in them does not shift it much."""
        return np.asarray(np.median(self.surround_values, axis=1))

    @cached_property
    def gradient_axes(self) -> tuple[NDArray[np.float32], ...]:
        """Central differences along z, y and x, each (n, P), sigma per radius."""
        count = len(self.values)
        return tuple(
            np.gradient(self.values_nzyx, np.float32(STEP_RADII), axis=axis).reshape(count, -1)
            for axis in (1, 2, 3)
        )


@dataclass(frozen=True)
class ResolutionLevels:
    """A tomogram at full size, half size, quarter size ...

    Averaging before sampling keeps a large particle's cube free of aliased noise; the level
    nearest to the cube's step is taken, and trilinear interpolation smooths what is left.

    Parameters
    ----------
    levels : tuple of ndarray, (Z, Y, X), float32
        Level k holds averages over 2^k voxels a side.
    voxel_size_zyx_angstrom : ndarray, (3,), float64
        Size of a full-size voxel, Å.
    """

    levels: tuple[NDArray[np.float32], ...]
    voxel_size_zyx_angstrom: NDArray[np.float64]


def level_for_radius(radius_angstrom: float, voxel_size_zyx_angstrom: NDArray[np.float64]) -> int:
    """Level of resolution whose voxels are nearest in size to the step of a particle's cube."""
    step_voxels = radius_angstrom * STEP_RADII / float(np.mean(voxel_size_zyx_angstrom))
    return int(np.clip(np.round(np.log2(step_voxels)), 0, COARSEST_LEVEL))


def halved(values_zyx: NDArray[np.float32], threads: int = 1) -> NDArray[np.float32]:
    """Average 2x2x2 voxels to one; an odd last layer is repeated to fill its pair.

    Parameters
    ----------
    values_zyx : ndarray, (Z, Y, X), float32
    threads : int
        Threads that share the work; the result does not depend on them.

    Returns
    -------
    ndarray, (ceil(Z/2), ceil(Y/2), ceil(X/2)), float32
    """
    half_zyx = [-(-side // 2) for side in values_zyx.shape]
    result = np.empty(half_zyx, dtype=np.float32)

    def average(planes: slice) -> None:
        some = values_zyx[2 * planes.start : 2 * planes.stop]
        for axis in range(3):
            along = np.moveaxis(some, axis, 0)
            if len(along) % 2:
                along = np.concatenate([along, along[-1:]])
            some = np.moveaxis((along[0::2] + along[1::2]) * np.float32(0.5), 0, axis)
        result[planes] = some

    in_threads(average, slices_of(len(result), PLANES_TOGETHER), threads)
    return result


def make_resolution_levels(
    values_zyx: NDArray[np.float32],
    voxel_size_zyx_angstrom: NDArray[np.float64],
    coarsest_level: int,
    threads: int = 1,
) -> ResolutionLevels:
    """Make a tomogram's levels of resolution down to ``coarsest_level`` (0: full size only)."""
    levels = [values_zyx]
    for _ in range(coarsest_level):
        levels.append(halved(levels[-1], threads))
    return ResolutionLevels(tuple(levels), voxel_size_zyx_angstrom)


def cut_subtomograms(
    resolutions: ResolutionLevels,
    positions_xyz_angstrom: NDArray[np.float64],
    radius_angstrom: float,
) -> Subtomograms:
    """Cut cubes of ±1.5 radii around positions, which may lie between voxels.

    Beyond the tomogram's border the tomogram is mirrored, which keeps the local statistics.

    Parameters
    ----------
    resolutions : ResolutionLevels
        The normalised tomogram; has to reach :func:`level_for_radius` of the radius.
    positions_xyz_angstrom : ndarray, (n, 3), float64
        Centres, Å.
    radius_angstrom : float
        Radius of the particle type, Å.

    Returns
    -------
    Subtomograms
    """
    level = level_for_radius(radius_angstrom, resolutions.voxel_size_zyx_angstrom)
    values = sample_grid(
        resolutions.levels[level],
        positions_xyz_angstrom,
        radius_angstrom,
        resolutions.voxel_size_zyx_angstrom,
        stride=2**level,
        mode="mirror",
    )
    shape = resolutions.levels[0].shape
    inside = _inside_fraction(
        shape, positions_xyz_angstrom, radius_angstrom, resolutions.voxel_size_zyx_angstrom
    )
    return Subtomograms(values, inside)


def sample_grid(
    volume_zyx: NDArray[np.float32],
    positions_xyz_angstrom: NDArray[np.float64],
    radius_angstrom: float,
    voxel_size_zyx_angstrom: NDArray[np.float64],
    *,
    stride: int,
    mode: BeyondBorder,
) -> NDArray[np.float32]:
    """Sample a volume trilinearly at the points of :func:`particle_grid` around positions.

    Parameters
    ----------
    volume_zyx : ndarray, (Z, Y, X), float32
        A volume with ``stride`` full-size voxels a side for each of its voxels.
    positions_xyz_angstrom : ndarray, (n, 3), float64
        Centres, Å.
    radius_angstrom : float
        Radius that scales the grid, Å.
    voxel_size_zyx_angstrom : ndarray, (3,), float64
        Size of a full-size voxel, Å.
    stride : int
        Full-size voxels a side for each voxel of the volume.
    mode : {"mirror", "nearest"}
        What lies beyond the border, as in :func:`scipy.ndimage.map_coordinates`.

    Returns
    -------
    ndarray, (n, P), float32
    """
    indices_zyx = angstrom_xyz_to_indices_zyx(
        positions_xyz_angstrom, voxel_size_zyx_angstrom, stride
    )
    offsets_zyx = particle_grid().offsets_zyx * radius_angstrom / voxel_size_zyx_angstrom / stride
    coordinates = indices_zyx.T[:, :, None] + offsets_zyx.T[:, None, :]  # (3, n, P) zyx
    sampled = ndimage.map_coordinates(
        volume_zyx, coordinates, output=np.float32, order=1, mode=mode
    )
    return np.asarray(sampled)


def _inside_fraction(
    shape_zyx: tuple[int, ...],
    positions_xyz_angstrom: NDArray[np.float64],
    radius_angstrom: float,
    voxel_size_zyx_angstrom: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Share of the ball of 1.5 radii that lies inside the tomogram, (n,)."""
    indices_zyx = angstrom_xyz_to_indices_zyx(positions_xyz_angstrom, voxel_size_zyx_angstrom)
    axis_radii = np.linspace(-EXTENT_RADII, EXTENT_RADII, GRID_SIDE)
    reach_zyx = radius_angstrom / voxel_size_zyx_angstrom
    inside_axes = []
    for axis in range(3):
        at = indices_zyx[:, axis, None] + axis_radii * reach_zyx[axis]  # (n, side) voxels
        # A voxel reaches half a voxel beyond its centre.
        inside_axes.append(((at >= -0.5) & (at <= shape_zyx[axis] - 0.5)).astype(np.float64))
    ball = particle_grid().ball.reshape(GRID_SIDE, GRID_SIDE, GRID_SIDE).astype(np.float64)
    count = np.einsum("nz,ny,nx,zyx->n", *inside_axes, ball, optimize=True)
    return np.asarray(count / ball.sum(), dtype=np.float32)
