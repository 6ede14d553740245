"""From a wish to a threshold on the calibrated probability."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from picking.scoring.scoring_rules import ScoringRules
from stage2_rerank.operating_point.wishes import Wish
from stage2_rerank.thresholds.fbeta_curve import KEEP_NOTHING, FbetaCurve, threshold_below
from stage2_rerank.thresholds.final_curve import final_curve

# A precision counts as reached if it would be even with one more of the picks wrong. Of all
# thresholds the luckiest is taken; this one count makes up for it, as the "+1" of target-decoy
# competition and of knockoffs does (Barber and Candès 2015, doi:10.1214/15-AOS1337). Without it
# the first few candidates, all right by chance, would show any precision.
IMAGINED_WRONG_PICKS = 1
# Precisions are quotients of counts: 0.9 of 10 picks is 9 picks in spite of rounding.
ROUNDING = 1e-12


@dataclass(frozen=True)
class WishedThreshold:
    """A threshold, and what a person has to know of it ("" if nothing)."""

    value: float
    note: str = ""


def wished_threshold(
    wish: Wish,
    particle_type: str,
    test_scores: NDArray[np.float64],
    out_of_fold: pd.DataFrame,
    truth: pd.DataFrame,
    rules: ScoringRules,
) -> WishedThreshold:
    """Turn a wish into a threshold.

    Parameters
    ----------
    wish : Wish
        What is wanted.
    particle_type : str
        Of which type.
    test_scores : ndarray, (n,), float64
        Probabilities of the type's candidates in all test runs, duplicates suppressed.
    out_of_fold : DataFrame
        Table OUT_OF_FOLD of all types.
    truth : DataFrame
        Table TRUTH of all types.
    rules : ScoringRules
        Radii and distances.

    Returns
    -------
    WishedThreshold
    """
    if wish.way == "probability":
        return WishedThreshold(wish.value)
    if wish.way == "number":
        return threshold_for_number(test_scores, int(wish.value))
    curve = final_curve(out_of_fold, truth, particle_type, "rerank_score", rules)
    return threshold_for_precision(curve, wish.value)


def threshold_for_number(scores: NDArray[np.float64], number: int) -> WishedThreshold:
    """Threshold that keeps the best ``number`` of some scores, and what equals the last of them.

    Parameters
    ----------
    scores : ndarray, (n,), float64
        In any order.
    number : int
        From 1.

    Returns
    -------
    WishedThreshold
        With a note if there are fewer scores.
    """
    falling, times = np.unique(-scores, return_counts=True)
    falling = -falling
    kept = np.cumsum(times)
    if number > len(scores):
        return WishedThreshold(0.0, f"the test runs hold no more than {len(scores)} candidates")
    return WishedThreshold(threshold_below(falling, int(np.searchsorted(kept, number))))


def threshold_for_precision(curve: FbetaCurve, precision: float) -> WishedThreshold:
    """Lowest threshold above which the pooled picks have at least a precision.

    One more pick than there are counts as wrong (``IMAGINED_WRONG_PICKS``).

    Parameters
    ----------
    curve : FbetaCurve
        Counts of the final list over falling scores.
    precision : float
        Above 0, at most 1.

    Returns
    -------
    WishedThreshold
        If no threshold shows the precision: the one that comes nearest, with a note.
    """
    if not np.any(curve.hits > 0):
        return WishedThreshold(KEEP_NOTHING, "no candidate of the training runs is right")
    shown = (curve.hits - IMAGINED_WRONG_PICKS) / curve.candidates
    reached = np.flatnonzero(shown >= precision - ROUNDING)
    if len(reached):
        return WishedThreshold(threshold_below(curve.scores, int(reached[-1])))
    nearest = int(np.flatnonzero(shown == shown.max())[-1])
    hits, picks = int(curve.hits[nearest]), int(curve.candidates[nearest])
    too_few = ": too few to show it" if hits / picks >= precision else ""
    return WishedThreshold(
        threshold_below(curve.scores, nearest),
        f"the training runs do not show a precision of {precision:g} at any threshold; nearest "
        f"come their best {picks} picks, {max(picks - hits, 0)} of them wrong{too_few}",
    )
