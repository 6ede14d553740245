"""A structure: the density of a particle, centred on its mass."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

# Share of the mass that a structure's radius holds: loose ends of a chain and noise around a map
# are left out.
MASS_SHARE = 0.98


@dataclass(frozen=True, eq=False)
class Structure:
    """The density of a particle in a cube, in one orientation; equal to itself alone.

    Parameters
    ----------
    density_zyx : ndarray, (D, D, D), float32
        Density; D is odd, and the centre of mass lies in the middle voxel. A map or a model has
        none below 0; an average of whitened picks has.
    voxel_size_angstrom : float
        Side of a voxel, Å.
    """

    density_zyx: NDArray[np.float32]
    voxel_size_angstrom: float

    @cached_property
    def radius_angstrom(self) -> float:
        """Radius of the ball that holds ``MASS_SHARE`` of the mass, Å."""
        axis = (np.arange(len(self.density_zyx)) - len(self.density_zyx) // 2) ** 2
        squared = axis[:, None, None] + axis[:, None] + axis
        order = np.argsort(squared, axis=None)
        mass = np.cumsum(np.abs(self.density_zyx.ravel()[order]), dtype=np.float64)
        last = int(np.searchsorted(mass, MASS_SHARE * mass[-1]))
        return float(np.sqrt(squared.ravel()[order[last]])) * self.voxel_size_angstrom


def centred(density_zyx: NDArray[np.float32], voxel_size_angstrom: float) -> Structure:
    """Put a density of any shape into a cube around its centre of mass.

    Parameters
    ----------
    density_zyx : ndarray, (Z, Y, X), float32
        Density, 0 or more, and somewhere more than 0.
    voxel_size_angstrom : float
        Side of a voxel, Å.

    Returns
    -------
    Structure
    """
    occupied = np.argwhere(density_zyx > 0)
    centre = np.array(ndimage.center_of_mass(density_zyx))
    half = int(np.ceil(np.abs(occupied - centre).max())) + 1
    cube = ndimage.affine_transform(
        density_zyx, np.ones(3), centre - half, (2 * half + 1,) * 3, order=1, mode="constant"
    )
    return Structure(np.asarray(cube, dtype=np.float32), voxel_size_angstrom)
