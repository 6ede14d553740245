"""Correlation of templates with a tomogram at given positions and a little beside them."""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from features.template_matching.bank import TemplateBank

# Candidates that are looked at together: their values stay near the processor's cache.
TOGETHER = 64
SMALLEST_NORM = 1e-6


def correlations(
    values_zyx: NDArray[np.float32],
    indices_zyx: NDArray[np.float64],
    bank: TemplateBank,
    shift_voxels: int,
) -> NDArray[np.float32]:
    """Best normalised correlation at every position in every orientation.

    Parameters
    ----------
    values_zyx : ndarray, (Z, Y, X), float32
        Whitened tomogram; beyond its border it is mirrored.
    indices_zyx : ndarray, (n, 3), float64
        Positions, voxels.
    bank : TemplateBank
        O templates.
    shift_voxels : int
        A template is tried at the nearest voxel of a position and this many to either side.

    Returns
    -------
    ndarray, (n, O), float32
        From -1 to 1, the best over the shifts.
    """
    centres = np.rint(indices_zyx).astype(np.int64)
    best = np.full((len(centres), len(bank.templates)), -1, dtype=np.float32)
    reach = int(np.abs(bank.offsets_zyx).max()) + shift_voxels
    side = 2 * reach + 1
    in_cube = np.ravel_multi_index(tuple((bank.offsets_zyx + reach).T), (side,) * 3)  # (V,)
    steps = sorted({-shift_voxels, 0, shift_voxels})
    shifts = [(z * side + y) * side + x for z, y, x in product(steps, steps, steps)]
    templates = np.ascontiguousarray(bank.templates.T)
    for start in range(0, len(centres), TOGETHER):
        some = centres[start : start + TOGETHER]
        rows = slice(start, start + len(some))
        cubes = np.stack([_cube(values_zyx, centre, reach) for centre in some])
        cubes = cubes.reshape(len(some), -1)  # (batch, side³)
        for shift in shifts:
            values = cubes.take(in_cube + shift, axis=1)  # (batch, V)
            # Templates have the mean 0, so that a mean of the values changes the norm alone.
            squared = np.einsum("nv,nv->n", values, values)
            squared -= values.sum(axis=1) ** 2 / values.shape[1]
            norm = np.sqrt(np.maximum(squared, SMALLEST_NORM**2))
            np.maximum(best[rows], values @ templates / norm[:, None], out=best[rows])
    return best


def _cube(
    values_zyx: NDArray[np.float32], centre_zyx: NDArray[np.int64], reach: int
) -> NDArray[np.float32]:
    """Cut a cube of ``reach`` voxels to every side, mirrored beyond the volume's border."""
    around = np.arange(-reach, reach + 1)
    axes = []
    for centre, length in zip(centre_zyx, values_zyx.shape, strict=True):
        folded = np.abs(centre + around) % max(2 * length - 2, 1)
        axes.append(np.where(folded >= length, 2 * length - 2 - folded, folded))
    return values_zyx[np.ix_(*axes)]
