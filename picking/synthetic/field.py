"""The imaged volume: the tomogram's field with a margin round it.

Only here are positions in the field and voxels of the margin-padded volume related. The relation
of positions to voxels is that of :mod:`picking.coordinates`: voxel i is centred at i voxel sizes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import next_fast_len

from picking.coordinates import angstrom_xyz_to_indices_zyx

# Least margin on each side, in voxels. Sideways it takes the contrast transfer's fringes, which
# would come in again at the other side, and holds particles cut by the field's border; above and
# below it takes the streaks of the missing wedge.
MARGIN_ZYX = (8, 16, 16)


@dataclass(frozen=True)
class Field:
    """A tomogram's shape and voxel size, and the padded volume in which it is computed."""

    shape_zyx: tuple[int, int, int]
    voxel_size_angstrom: float

    @property
    def padded_shape_zyx(self) -> tuple[int, int, int]:
        """Shape with margins, rounded up to what a Fourier transform is quick at."""
        z, y, x = (
            int(next_fast_len(n + 2 * margin, real=True))
            for n, margin in zip(self.shape_zyx, MARGIN_ZYX, strict=True)
        )
        return z, y, x

    @property
    def voxel_size_zyx_angstrom(self) -> tuple[float, float, float]:
        """Voxel size in Å for each axis."""
        return (self.voxel_size_angstrom,) * 3

    @property
    def extent_xyz_angstrom(self) -> NDArray[np.float64]:
        """Size of the field in Å, (3,) xyz."""
        return np.array(self.shape_zyx[::-1]) * self.voxel_size_angstrom

    @property
    def padded_low_xyz_angstrom(self) -> NDArray[np.float64]:
        """Position of the padded volume's first voxel, (3,) xyz Å."""
        return -np.array(MARGIN_ZYX[::-1]) * self.voxel_size_angstrom

    @property
    def padded_extent_xyz_angstrom(self) -> NDArray[np.float64]:
        """Size of the padded volume in Å, (3,) xyz."""
        return np.array(self.padded_shape_zyx[::-1]) * self.voxel_size_angstrom

    def padded_indices_zyx(
        self, positions_xyz_angstrom: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Turn positions in the field, (n, 3) xyz Å, into fractional padded indices, (n, 3) zyx."""
        indices_zyx = angstrom_xyz_to_indices_zyx(
            positions_xyz_angstrom, self.voxel_size_zyx_angstrom
        )
        return np.asarray(indices_zyx + np.array(MARGIN_ZYX))

    def crop(self, padded_zyx: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cut the field out of a padded volume."""
        z, y, x = (
            slice(margin, margin + n) for n, margin in zip(self.shape_zyx, MARGIN_ZYX, strict=True)
        )
        return padded_zyx[z, y, x]
