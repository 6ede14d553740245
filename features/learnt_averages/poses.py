"""Poses: how the particle of each pick is turned, and where exactly it lies."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from features.learnt_averages.picked_cubes import PickedCubes, shift_voxels
from features.template_matching.bank import TemplateBank
from features.template_matching.correlation import correlations
from features.template_matching.orientations import even_quaternions


@dataclass(frozen=True)
class Poses:
    """Poses of n picks.

    Parameters
    ----------
    turns : ndarray, (n, 3, 3), float64
        Rotation matrices, xyz: from the particle's own frame to the tomogram's.
    shifts_zyx : ndarray, (n, 3), int64
        From the pick to the particle, voxels.
    fits : ndarray, (n,), float32
        Normalised correlations with the average that the poses were found by; 0 before.
    """

    turns: NDArray[np.float64]
    shifts_zyx: NDArray[np.int64]
    fits: NDArray[np.float32]


def unshifted(turns: NDArray[np.float64]) -> Poses:
    """Make poses of turns alone, (n, 3, 3)."""
    count = len(turns)
    return Poses(turns, np.zeros((count, 3), dtype=np.int64), np.zeros(count, dtype=np.float32))


def best_poses(cubes: PickedCubes, bank: TemplateBank) -> Poses:
    """Find the orientation and the shift in which an average fits each cube best.

    Parameters
    ----------
    cubes : PickedCubes
        n cubes of a particle type.
    bank : TemplateBank
        The type's average in the orientations of :func:`even_quaternions`.

    Returns
    -------
    Poses
    """
    count, side = cubes.values_nzyx.shape[:2]
    # One below the other they are a volume, in which no template reaches into a neighbour.
    stacked = cubes.values_nzyx.reshape(count * side, side, side)
    centres_zyx = np.full((count, 3), side // 2)
    centres_zyx[:, 0] += np.arange(count) * side
    every = np.arange(count)
    fits = np.full(count, -1, dtype=np.float32)
    best = np.zeros(count, dtype=np.int64)
    shifts_zyx = np.zeros((count, 3), dtype=np.int64)
    shift = shift_voxels(cubes.voxel_angstrom)
    for shift_zyx in product((-shift, 0, shift), repeat=3):
        found = correlations(stacked, (centres_zyx + shift_zyx).astype(np.float64), bank, 0)
        highest = found.argmax(axis=1)
        fit = found[every, highest]
        better = fit > fits
        fits[better], best[better], shifts_zyx[better] = fit[better], highest[better], shift_zyx
    turns = Rotation.from_quat(even_quaternions(len(bank.templates))).as_matrix()
    return Poses(turns[best], shifts_zyx, fits)
