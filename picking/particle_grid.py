"""The particle grid: points around a candidate, in units of its type's radius.

Every type's cube covers the same number of radii with the same number of points, so that a measure
of a cube means the same for a ferritin and for a ribosome.
"""

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

GRID_SIDE = 17  # points; the finest step that still averages noise at the smallest radius (60 Å)
EXTENT_RADII = 1.5  # half-width of a cube: the particle and half a radius of its surroundings
STEP_RADII = 2 * EXTENT_RADII / (GRID_SIDE - 1)
SURROUND_FROM_RADII = 1.15  # nearer, the blurred rim of the particle itself is still seen


@dataclass(frozen=True)
class ParticleGrid:
    """The P = 17³ points of a cube, in units of the particle's radius, in C order of zyx.

    Parameters
    ----------
    offsets_zyx : ndarray, (P, 3), float64
        Points relative to the centre, radii.
    """

    offsets_zyx: NDArray[np.float64]

    @cached_property
    def distance(self) -> NDArray[np.float64]:
        """Distance of each point from the centre, (P,), radii."""
        return np.asarray(np.linalg.norm(self.offsets_zyx, axis=1))

    def between(self, inner_radii: float, outer_radii: float) -> NDArray[np.bool_]:
        """Which points lie in the shell, (P,); the inner bound is excluded unless it is 0."""
        within = self.distance <= outer_radii
        return within if inner_radii == 0 else within & (self.distance > inner_radii)

    @cached_property
    def body(self) -> NDArray[np.bool_]:
        """Which points lie within one radius, (P,)."""
        return self.between(0, 1.0)

    @cached_property
    def surround(self) -> NDArray[np.bool_]:
        """Which points lie around the particle, (P,)."""
        return self.between(SURROUND_FROM_RADII, EXTENT_RADII)

    @cached_property
    def ball(self) -> NDArray[np.bool_]:
        """Which points lie within the cube's inscribed ball, (P,)."""
        return self.between(0, EXTENT_RADII)


@cache
def particle_grid() -> ParticleGrid:
    """Make the grid that all cubes share."""
    axis = np.linspace(-EXTENT_RADII, EXTENT_RADII, GRID_SIDE)
    offsets = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    return ParticleGrid(offsets.reshape(-1, 3))
