"""Small structures, and tomograms that show them, turned by another way than the banks'."""

from collections.abc import Sequence

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from features.template_matching.missing_wedge import MissingWedge
from features.template_matching.whitening import FINEST_ANGSTROM, frequencies
from picking.structures.structure import Structure, centred

STRUCTURE_VOXEL_ANGSTROM = 5.0
# Unlike its mirror image, and of no symmetry: xyz Å, and weight.
HANDED = (((80, 0, 0), 1.0), ((0, 70, 0), 0.8), ((0, 0, 60), 0.6), ((-50, -50, -50), 1.0))
# A rod.
ROD = tuple(((0, 0, z), 1.0) for z in range(-80, 81, 20))


def structure_of_blobs(
    blobs: Sequence[tuple[Sequence[float], float]], spread_angstrom: float = 12.0
) -> Structure:
    """Gaussian blobs at positions xyz, Å, of given weights."""
    axis = np.arange(-26, 27) * STRUCTURE_VOXEL_ANGSTROM
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    density = np.zeros(z.shape)
    for (at_x, at_y, at_z), weight in blobs:
        squared = (x - at_x) ** 2 + (y - at_y) ** 2 + (z - at_z) ** 2
        density += weight * np.exp(-squared / (2 * spread_angstrom**2))
    density[density < 1e-3] = 0
    return centred(density.astype(np.float32), STRUCTURE_VOXEL_ANGSTROM)


def mirrored(structure: Structure) -> Structure:
    return Structure(structure.density_zyx[::-1].copy(), structure.voxel_size_angstrom)


def showing(
    structure: Structure,
    turn: Rotation,
    at_zyx: ArrayLike,
    shape_zyx: tuple[int, int, int],
    voxel_angstrom: float,
) -> NDArray[np.float32]:
    """Tomogram in which a turned structure is dark around a voxel."""
    reversal = np.eye(3)[::-1]  # xyz to zyx
    back_zyx = reversal @ turn.inv().as_matrix() @ reversal
    scaled = back_zyx * voxel_angstrom / structure.voxel_size_angstrom
    middle = np.full(3, structure.density_zyx.shape[0] // 2)
    # Smoothed, so that reading it in larger voxels skips nothing.
    smooth = ndimage.gaussian_filter(structure.density_zyx, 1.0)
    return -ndimage.affine_transform(
        smooth, scaled, offset=middle - scaled @ np.asarray(at_zyx), output_shape=shape_zyx, order=3
    ).astype(np.float32)


def recorded(
    values_zyx: NDArray[np.float32], voxel_angstrom: float, wedge: MissingWedge
) -> NDArray[np.float32]:
    """Leave out what is finer than templates are, and what lies in the missing wedge."""
    kz, ky, kx = frequencies(values_zyx.shape, np.full(3, voxel_angstrom))
    kept = wedge.holds(kz, ky, kx) & (kz**2 + ky**2 + kx**2 < FINEST_ANGSTROM**-2)
    transform = scipy.fft.rfftn(values_zyx) * kept
    return scipy.fft.irfftn(transform, s=values_zyx.shape).astype(np.float32)
