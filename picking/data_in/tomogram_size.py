"""How large a tomogram is, and what it looks like from afar."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from picking.coordinates import extent_xyz_angstrom, volume_cubic_angstrom
from picking.files.ome_zarr import Pyramid, read_level


@dataclass(frozen=True)
class TomogramSize:
    """A tomogram's size and its smallest level.

    Parameters
    ----------
    extent_xyz_angstrom : ndarray, (3,), float64
        Position of the last voxel, Å.
    volume_cubic_angstrom : float
        Volume, Å³.
    voxel_size_xyz_angstrom : ndarray, (3,), float64
        True size of a full-size voxel, Å.
    smallest_zyx : ndarray, (Z', Y', X'), float32
        Values of the smallest level.
    """

    extent_xyz_angstrom: NDArray[np.float64]
    volume_cubic_angstrom: float
    voxel_size_xyz_angstrom: NDArray[np.float64]
    smallest_zyx: NDArray[np.float32]

    @classmethod
    def of_pyramid(cls, pyramid: Pyramid) -> "TomogramSize":
        """Read the smallest level, which is done quickly.

        Raises
        ------
        InputError
            If it is damaged; the full-size values are checked when they are read.
        """
        shape_zyx, voxel_size_zyx = pyramid.full_size.shape, pyramid.voxel_size_zyx_angstrom
        return cls(
            extent_xyz_angstrom(shape_zyx, voxel_size_zyx),
            volume_cubic_angstrom(shape_zyx, voxel_size_zyx),
            voxel_size_zyx[::-1],
            read_level(pyramid.smallest, pyramid.location),
        )
