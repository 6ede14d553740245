"""Thresholds on a score: the pooled F-beta curve, and two rules that read a threshold off it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from picking.scoring.truth_matching import new_hits

# Kept is what scores above the threshold; no score or probability is above 1.
KEEP_NOTHING = 1.0

# The curve rule takes the middle of all thresholds whose F-beta is within this share of the
# distance from the best F-beta to 1: the best point itself follows the noise of a few candidates,
# while the curve around it is flat.
PLATEAU_SHARE = 0.06

# Halvings of [0, 1] that leave less than a double's resolution of a threshold near F/(1 + beta²).
BISECTIONS = 60


@dataclass(frozen=True)
class FbetaCurve:
    """What the metric counts if all candidates of at least a score are kept.

    Parameters
    ----------
    scores : ndarray, (m,), float64
        Distinct scores, falling: equal scores are kept or dropped together.
    hits : ndarray, (m,), int64
        References hit by the candidates of at least that score.
    candidates : ndarray, (m,), int64
        Number of these candidates.
    references : int
        Number of references.
    beta : float
        F-beta's beta.
    """

    scores: NDArray[np.float64]
    hits: NDArray[np.int64]
    candidates: NDArray[np.int64]
    references: int
    beta: float

    @property
    def fbeta(self) -> NDArray[np.float64]:
        """F-beta, (m,), at each score: (1 + beta²) hits / (beta² references + candidates)."""
        return self._fbeta_at(slice(None))

    @property
    def best_fbeta(self) -> float:
        """Highest F-beta that any threshold reaches; 0 without candidates."""
        return float(self.fbeta.max(initial=0.0))

    def fbeta_above(self, threshold: float) -> float:
        """F-beta if the candidates that score above ``threshold`` are kept."""
        kept = np.count_nonzero(self.scores > threshold)
        # One point alone: the rules ask for it thousands of times.
        return float(self._fbeta_at(slice(kept - 1, kept))[0]) if kept else 0.0

    def _fbeta_at(self, points: slice) -> NDArray[np.float64]:
        beta_squared = self.beta**2
        below: NDArray[np.float64] = np.maximum(
            beta_squared * self.references + self.candidates[points], 1
        )
        return (1 + beta_squared) * self.hits[points] / below


def fbeta_curve(
    candidates: pd.DataFrame,
    truth: pd.DataFrame,
    radius_angstrom: Mapping[str, float],
    score_column: str,
    beta: float,
) -> FbetaCurve:
    """Count hits over falling scores, pooled over runs, as the metric counts them.

    Parameters
    ----------
    candidates : DataFrame
        Candidates of one particle type, duplicates already suppressed by ``score_column`` (what
        suppression keeps above a threshold does not depend on what lies below it, so that
        suppressing first gives the counts of the final list at every threshold).
    truth : DataFrame
        References of the same type. Candidates of runs that do not stand in it should have been
        left out if the metric does not judge these runs.
    radius_angstrom : mapping of str to float
        Hit radius of the type, Å.
    score_column : str
        Score of the candidates.
    beta : float
        F-beta's beta.

    Returns
    -------
    FbetaCurve
    """
    score = candidates[score_column].to_numpy(dtype=np.float64)
    hits = new_hits(candidates, truth, radius_angstrom, score_column)
    order = np.argsort(-score, kind="stable")
    falling = score[order]
    last_of_ties = np.flatnonzero(np.append(np.diff(falling) != 0, len(falling) > 0))
    return FbetaCurve(
        scores=falling[last_of_ties],
        hits=np.cumsum(hits[order])[last_of_ties],
        candidates=last_of_ties + 1,
        references=len(truth),
        beta=beta,
    )


def threshold_by_curve(curve: FbetaCurve) -> float:
    """Threshold in the middle of the curve's plateau.

    The plateau is every point, connected or not, whose F-beta is within ``PLATEAU_SHARE`` of the
    distance between the best F-beta and 1; its median point is the last one kept. The threshold
    lies half-way to the next lower score.

    Returns
    -------
    float
        ``KEEP_NOTHING`` if no candidate hits a reference.
    """
    fbeta = curve.fbeta
    if not np.any(fbeta > 0):
        return KEEP_NOTHING
    best = float(fbeta.max())
    plateau = np.flatnonzero(fbeta >= best - PLATEAU_SHARE * max(1 - best, 0.0))
    return threshold_below(curve.scores, int(plateau[(len(plateau) - 1) // 2]))


def threshold_below(falling: NDArray[np.float64], last_kept: int) -> float:
    """Threshold half-way between a score and the next lower one.

    Parameters
    ----------
    falling : ndarray, (m,), float64
        Distinct scores, falling.
    last_kept : int
        Index of the lowest score that is kept.

    Returns
    -------
    float
        Below the last score, half-way to 0.
    """
    lowest_kept = float(falling[last_kept])
    next_lower = float(falling[last_kept + 1]) if last_kept + 1 < len(falling) else 0.0
    middle = (lowest_kept + next_lower) / 2
    # Between neighbouring doubles the mean may be rounded up to the score itself.
    return middle if middle < lowest_kept else next_lower


def threshold_by_probability(curve: FbetaCurve) -> float:
    """Threshold t = F(t) / (1 + beta²) on calibrated probabilities.

    One more candidate with probability p of being a new true positive raises
    F = (1 + beta²) TP / (beta² N + n) exactly if p > F / (1 + beta²). The right side is 0 or more
    at t = 0 and below t at t = 1, so that bisection finds a crossing.

    Returns
    -------
    float
        ``KEEP_NOTHING`` if no candidate hits a reference.
    """
    if not np.any(curve.hits > 0):
        return KEEP_NOTHING
    below, above = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = (below + above) / 2
        if curve.fbeta_above(middle) / (1 + curve.beta**2) > middle:
            below = middle
        else:
            above = middle
    return below
