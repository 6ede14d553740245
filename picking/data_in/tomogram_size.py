"""How large a tomogram is, and what it looks like from afar."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from picking.coordinates import extent_xyz_angstrom, volume_cubic_angstrom
from picking.files.ome_zarr import Pyramid, read_coarsest

# Coarse enough that noise is averaged, fine enough to see the smallest particles.
COARSE_VOXEL_ANGSTROM = 40.0
# As tomograms are clipped before the networks see them: gold, and hot or dead voxels.
CLIP_PERCENTILES = (0.1, 99.9)


@dataclass(frozen=True)
class TomogramSize:
    """A tomogram's size, and its values from afar.

    Parameters
    ----------
    extent_xyz_angstrom : ndarray, (3,), float64
        Position of the last voxel, Å.
    volume_cubic_angstrom : float
        Volume, Å³.
    voxel_size_xyz_angstrom : ndarray, (3,), float64
        True size of a full-size voxel, Å.
    coarse_zyx : ndarray, (Z', Y', X'), float32
        Values averaged to voxels of about COARSE_VOXEL_ANGSTROM, clipped.
    passed_over : tuple of str
        What is wrong with levels that these values could not be taken from.
    """

    extent_xyz_angstrom: NDArray[np.float64]
    volume_cubic_angstrom: float
    voxel_size_xyz_angstrom: NDArray[np.float64]
    coarse_zyx: NDArray[np.float32]
    passed_over: tuple[str, ...] = ()

    @classmethod
    def of_pyramid(cls, pyramid: Pyramid) -> "TomogramSize":
        """Read the coarsest level that is whole, which is done quickly.

        Raises
        ------
        InputError
            If there is none.
        """
        shape_zyx, voxel_size_zyx = pyramid.full_size.shape, pyramid.voxel_size_zyx_angstrom
        values_zyx, passed_over = read_coarsest(pyramid)
        voxel_angstrom = voxel_size_zyx * np.array(shape_zyx) / np.array(values_zyx.shape)
        return cls(
            extent_xyz_angstrom(shape_zyx, voxel_size_zyx),
            volume_cubic_angstrom(shape_zyx, voxel_size_zyx),
            voxel_size_zyx[::-1],
            averaged(values_zyx, max(1, round(COARSE_VOXEL_ANGSTROM / voxel_angstrom.mean()))),
            passed_over,
        )


def averaged(values_zyx: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Clip values, then average blocks of ``factor`` voxels a side; what is left over is left out.

    A side shorter than a block is not averaged.
    """
    clipped = np.clip(values_zyx, *np.percentile(values_zyx, CLIP_PERCENTILES))
    for axis, side in enumerate(values_zyx.shape):
        blocks = side // factor
        if blocks:
            kept = np.take(clipped, range(blocks * factor), axis=axis)
            shape = (*kept.shape[:axis], blocks, factor, *kept.shape[axis + 1 :])
            clipped = kept.reshape(shape).mean(axis=axis + 1)
    return clipped.astype(np.float32)
