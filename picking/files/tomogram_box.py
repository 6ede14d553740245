"""The box that a tomogram fills: its voxels and their size, without their values."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from picking.coordinates import volume_cubic_angstrom
from picking.files.ome_zarr import Pyramid


@dataclass(frozen=True)
class TomogramBox:
    """The box that a tomogram fills.

    Parameters
    ----------
    shape_zyx : tuple of int, (3,)
        Voxels a side.
    voxel_size_zyx_angstrom : ndarray, (3,), float64
        True size of a voxel, Å.
    """

    shape_zyx: tuple[int, int, int]
    voxel_size_zyx_angstrom: NDArray[np.float64]

    @classmethod
    def of_pyramid(cls, pyramid: Pyramid) -> "TomogramBox":
        """Take it from the metadata of a volume; no voxel is read."""
        depth, height, width = pyramid.full_size.shape
        return cls((depth, height, width), pyramid.voxel_size_zyx_angstrom)

    @property
    def volume_cubic_angstrom(self) -> float:
        """Volume of the tomogram, Å³."""
        return volume_cubic_angstrom(self.shape_zyx, self.voxel_size_zyx_angstrom)
