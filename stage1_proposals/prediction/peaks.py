"""Candidates: the peaks of the score maps, refined below a voxel, without duplicates."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from picking.config import ParticleType, PeakSettings
from picking.coordinates import indices_zyx_to_angstrom_xyz
from picking.files.mask import Mask
from picking.files.score_maps import ScoreMaps
from picking.files.tables import CANDIDATES
from picking.scoring.suppression import suppress

# A peak is refined by at most this many map voxels: further away another voxel would be higher.
LARGEST_SHIFT_VOXELS = 0.5
# Local maxima that are kept before suppression, for each candidate of the budget.
PEAKS_PER_CANDIDATE = 5


def find_candidates(
    run: str,
    score_maps: ScoreMaps,
    particles: Sequence[ParticleType],
    settings: PeakSettings,
    budget: int,
    mask: Mask | None = None,
) -> pd.DataFrame:
    """Read one run's candidates off its score maps, all types in one table.

    Parameters
    ----------
    run : str
        Name of the run.
    score_maps : ScoreMaps
        The run's maps.
    particles : sequence of ParticleType
        Types to look for.
    settings : PeakSettings
        How the budget is shared, smoothing, least distance.
    budget : int
        Most candidates, all types together; see
        :func:`stage1_proposals.prediction.candidate_budget.candidate_budget`.
    mask : Mask or None
        Where picks count: peaks outside neither take part of the budget nor stand in the way of
        others. None: everywhere.

    Returns
    -------
    DataFrame
        ``picking.files.tables.CANDIDATES``; best first within a type, at most the budget in all.
    """
    map_voxel_angstrom = float(
        np.mean(score_maps.voxel_size_zyx_angstrom) * score_maps.output_stride
    )
    tables = []
    for particle in particles:
        scores_zyx = score_maps.scores_tzyx[score_maps.particle_types.index(particle.name)]
        sigma = settings.smoothing_fraction * particle.radius_angstrom / map_voxel_angstrom
        smoothed = ndimage.gaussian_filter(scores_zyx, sigma) if sigma > 0 else scores_zyx
        number = budget * PEAKS_PER_CANDIDATE
        peaks_zyx = highest_local_maxima(smoothed, number if mask is None else None)
        refined_zyx = refine_peaks(smoothed, peaks_zyx)
        heights = smoothed[tuple(peaks_zyx.T)].astype(np.float64)
        positions = indices_zyx_to_angstrom_xyz(
            refined_zyx, score_maps.voxel_size_zyx_angstrom, score_maps.output_stride
        )
        if mask is not None:
            inside = np.flatnonzero(mask.holds(positions))[:number]
            heights, positions = heights[inside], positions[inside]
        kept = np.flatnonzero(
            suppress(positions, heights, settings.suppression_fraction * particle.radius_angstrom)
        )
        order = kept[np.argsort(-heights[kept], kind="stable")][:budget]
        tables.append(
            pd.DataFrame(
                {
                    "run": np.full(len(order), run, dtype=object),
                    "particle_type": np.full(len(order), particle.name, dtype=object),
                    "x": positions[order, 0],
                    "y": positions[order, 1],
                    "z": positions[order, 2],
                    "proposal_score": np.clip(heights[order], 0, 1),
                }
            )
        )
    joined = pd.concat(tables, ignore_index=True)
    kept_rows = within_budget(
        joined["particle_type"].to_numpy(), joined["proposal_score"].to_numpy(), settings, budget
    )
    candidates = joined[kept_rows].reset_index(drop=True)
    candidates.insert(1, "candidate_id", np.arange(len(candidates)))
    return CANDIDATES.check(candidates, run)


def within_budget(
    particle_types: NDArray[np.object_],
    scores: NDArray[np.float64],
    settings: PeakSettings,
    budget: int,
) -> NDArray[np.bool_]:
    """Choose the candidates that a run may keep.

    Every type that has candidates gets an even part of ``even_share`` of the budget for its best
    ones; the rest of the budget goes to the highest scores of whatever type. So types that the
    network tells well, whose scores fall off at once, leave their room to those that it tells
    badly.

    Parameters
    ----------
    particle_types : ndarray, (n,)
        Type of each candidate, best first within a type. Of equal scores the first ones stay.
    scores : ndarray, (n,)
        Proposal score of each.
    settings : PeakSettings
        Even share.
    budget : int
        Most candidates, all types together.

    Returns
    -------
    ndarray, (n,), bool
    """
    types = pd.Series(particle_types)
    rank = types.groupby(particle_types).cumcount().to_numpy()
    kept = rank < settings.even_part(budget, types.nunique())
    others = np.flatnonzero(~kept)
    room = budget - int(kept.sum())
    kept[others[np.argsort(-scores[others], kind="stable")[:room]]] = True
    return kept


def highest_local_maxima(scores_zyx: NDArray[np.float32], number: int | None) -> NDArray[np.int64]:
    """Find voxels (n, 3) that no neighbour exceeds, the ``number`` highest, best first.

    Parameters
    ----------
    scores_zyx : ndarray, (Z, Y, X)
        Score map.
    number : int or None
        Most maxima to return; None: all.

    Returns
    -------
    ndarray, (n, 3), int64
        Indices zyx of positive local maxima among the 26 neighbours.
    """
    highest_zyx = scores_zyx
    for axis in range(scores_zyx.ndim):
        highest_zyx = _highest_of_three(highest_zyx, axis)
    is_peak = (scores_zyx == highest_zyx) & (scores_zyx > 0)
    peaks_zyx = np.argwhere(is_peak)
    order = np.argsort(-scores_zyx[is_peak], kind="stable")[:number]
    return peaks_zyx[order]


def _highest_of_three(values: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Highest of every voxel and its two neighbours along an axis, four times as fast as scipy."""
    along = np.moveaxis(values, axis, 0)
    highest = along.copy()
    np.maximum(highest[1:], along[:-1], out=highest[1:])
    np.maximum(highest[:-1], along[1:], out=highest[:-1])
    return np.moveaxis(highest, 0, axis)


def refine_peaks(
    scores_zyx: NDArray[np.float32], peaks_zyx: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Shift peaks to the top of the parabola through three voxels along each axis.

    The parabola is laid through the logarithm of the scores, which is exact for a Gaussian peak.

    Parameters
    ----------
    scores_zyx : ndarray, (Z, Y, X)
        Positive score map.
    peaks_zyx : ndarray, (n, 3)
        Local maxima.

    Returns
    -------
    ndarray, (n, 3), float64
        Fractional indices, at most half a voxel away from ``peaks_zyx``.
    """
    refined = peaks_zyx.astype(np.float64)
    tiny = np.finfo(np.float32).tiny
    centre = np.log(np.maximum(scores_zyx[tuple(peaks_zyx.T)], tiny)).astype(np.float64)
    for axis in range(3):
        last = scores_zyx.shape[axis] - 1
        inside = (peaks_zyx[:, axis] > 0) & (peaks_zyx[:, axis] < last)
        before, after = peaks_zyx.copy(), peaks_zyx.copy()
        before[:, axis] = np.maximum(before[:, axis] - 1, 0)
        after[:, axis] = np.minimum(after[:, axis] + 1, last)
        lower = np.log(np.maximum(scores_zyx[tuple(before.T)], tiny)).astype(np.float64)
        upper = np.log(np.maximum(scores_zyx[tuple(after.T)], tiny)).astype(np.float64)
        curvature = lower - 2 * centre + upper
        bent = inside & (curvature < 0)
        shift = np.zeros(len(peaks_zyx))
        np.divide(lower - upper, 2 * curvature, out=shift, where=bent)
        refined[:, axis] += np.clip(shift, -LARGEST_SHIFT_VOXELS, LARGEST_SHIFT_VOXELS)
    return refined
