"""Candidates: the peaks of the score maps, refined below a voxel, without duplicates."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from picking.config import ParticleType, PeakSettings
from picking.coordinates import indices_zyx_to_angstrom_xyz
from picking.errors import InputError
from picking.score_maps import ScoreMaps
from picking.suppression import suppress
from picking.tables import CANDIDATES

# A peak is refined by at most this many map voxels: further away another voxel would be higher.
LARGEST_SHIFT_VOXELS = 0.5
# Local maxima that are kept before suppression, for each candidate of the budget.
PEAKS_PER_CANDIDATE = 20


def check_budget(
    truth: pd.DataFrame, particles: Sequence[ParticleType], settings: PeakSettings
) -> None:
    """Refuse a budget that some run's picks of one type alone would exceed.

    Parameters
    ----------
    truth : DataFrame
        Table ``picking.tables.TRUTH``.
    particles : sequence of ParticleType
        Types that are looked for.
    settings : PeakSettings
        Holds the budget.

    Raises
    ------
    InputError
        If a run holds more picks of a type than it may get candidates: however good the network,
        particles would be lost.
    """
    names = [particle.name for particle in particles]
    counts = truth[truth["particle_type"].isin(names)].groupby(["run", "particle_type"]).size()
    if counts.empty or counts.max() <= settings.candidate_budget:
        return
    run, particle_type = counts.idxmax()
    raise InputError(
        "stage1_proposals.peaks.candidate_budget",
        f"is {settings.candidate_budget}, but run {run} holds {counts.max()} picks of "
        f"{particle_type}",
        "allow twice as many candidates at least (config/czii.yaml is made for full-size runs)",
    )


def find_candidates(
    run: str,
    score_maps: ScoreMaps,
    particles: Sequence[ParticleType],
    settings: PeakSettings,
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
        Budget, smoothing, least distance.

    Returns
    -------
    DataFrame
        ``picking.tables.CANDIDATES``; best first within a type, at most the budget of each type.
    """
    map_voxel_angstrom = float(
        np.mean(score_maps.voxel_size_zyx_angstrom) * score_maps.output_stride
    )
    tables = []
    for particle in particles:
        scores_zyx = score_maps.scores_tzyx[score_maps.particle_types.index(particle.name)]
        sigma = settings.smoothing_fraction * particle.radius_angstrom / map_voxel_angstrom
        smoothed = ndimage.gaussian_filter(scores_zyx, sigma) if sigma > 0 else scores_zyx
        peaks_zyx = highest_local_maxima(smoothed, settings.candidate_budget * PEAKS_PER_CANDIDATE)
        refined_zyx = refine_peaks(smoothed, peaks_zyx)
        heights = smoothed[tuple(peaks_zyx.T)].astype(np.float64)
        positions = indices_zyx_to_angstrom_xyz(
            refined_zyx, score_maps.voxel_size_zyx_angstrom, score_maps.output_stride
        )
        kept = suppress(
            positions, heights, settings.suppression_fraction * particle.radius_angstrom
        )
        order = np.flatnonzero(kept)
        order = order[np.argsort(-heights[order], kind="stable")][: settings.candidate_budget]
        tables.append(
            {
                "particle_type": np.full(len(order), particle.name, dtype=object),
                "x": positions[order, 0],
                "y": positions[order, 1],
                "z": positions[order, 2],
                "proposal_score": np.clip(heights[order], 0, 1),
            }
        )
    return _joined(run, tables)


def highest_local_maxima(scores_zyx: NDArray[np.float32], number: int) -> NDArray[np.int64]:
    """Find voxels (n, 3) that no neighbour exceeds, the ``number`` highest, best first.

    Parameters
    ----------
    scores_zyx : ndarray, (Z, Y, X)
        Score map.
    number : int
        Most maxima to return.

    Returns
    -------
    ndarray, (n, 3), int64
        Indices zyx of positive local maxima among the 26 neighbours.
    """
    is_peak = (scores_zyx == ndimage.maximum_filter(scores_zyx, size=3)) & (scores_zyx > 0)
    peaks_zyx = np.argwhere(is_peak)
    order = np.argsort(-scores_zyx[is_peak], kind="stable")[:number]
    return peaks_zyx[order]


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


def _joined(run: str, tables: Sequence[Mapping[str, NDArray[np.generic]]]) -> pd.DataFrame:
    joined = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    number = len(joined["x"])
    return CANDIDATES.check(
        pd.DataFrame(
            {
                "run": np.full(number, run, dtype=object),
                "candidate_id": np.arange(number),
                **joined,
            }
        ),
        run,
    )
