"""Correlation of templates with a tomogram at given positions and a little beside them."""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from features.template_matching.bank import TemplateBank
from picking.threads import in_threads, slices_of

# Candidates that are looked at together, and what their cubes may take, bytes: their values stay
# near the processor's cache.
TOGETHER = 64
TOGETHER_BYTES = 2**25
SMALLEST_NORM = 1e-6


def correlations(
    values_zyx: NDArray[np.float32],
    indices_zyx: NDArray[np.float64],
    bank: TemplateBank,
    shift_voxels: int,
    threads: int = 1,
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
    threads : int
        Threads that share the work; the result does not depend on them.

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

    def compare(rows: slice) -> None:
        cubes = np.empty((rows.stop - rows.start, side, side, side), dtype=np.float32)
        for cube, centre in zip(cubes, centres[rows], strict=True):
            cube[...] = _cube(values_zyx, centre, reach)
        flat = cubes.reshape(len(cubes), -1)  # (batch, side³)
        for shift in shifts:
            values = flat.take(in_cube + shift, axis=1)  # (batch, V)
            # Templates have the mean 0, so that a mean of the values changes the norm alone.
            squared = np.einsum("nv,nv->n", values, values)
            squared -= values.sum(axis=1) ** 2 / values.shape[1]
            norm = np.sqrt(np.maximum(squared, SMALLEST_NORM**2))
            found = values @ bank.templates.T
            found /= norm[:, None]
            np.maximum(best[rows], found, out=best[rows])

    cube_bytes = side**3 * np.dtype(np.float32).itemsize
    together = int(np.clip(TOGETHER_BYTES // cube_bytes, 1, TOGETHER))
    in_threads(compare, slices_of(len(centres), together), threads)
    return best


def _cube(
    values_zyx: NDArray[np.float32], centre_zyx: NDArray[np.int64], reach: int
) -> NDArray[np.float32]:
    """Cut a cube of ``reach`` voxels to every side, mirrored beyond the volume's border."""
    around = np.arange(-reach, reach + 1)
    inside, folded = [], []
    for axis, (centre, length) in enumerate(zip(centre_zyx, values_zyx.shape, strict=True)):
        first, last = int(centre) - reach, int(centre) + reach
        if first >= 0 and last < length:
            inside.append(slice(first, last + 1))
            continue
        at = np.abs(centre + around) % max(2 * length - 2, 1)
        at = np.where(at >= length, 2 * length - 2 - at, at)
        inside.append(slice(at.min(), at.max() + 1))
        folded.append((axis, at - at.min()))
    cube = values_zyx[tuple(inside)]
    for axis, at in folded:
        cube = cube.take(at, axis=axis)
    return cube
