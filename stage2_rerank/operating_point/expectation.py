"""Precision and recall to expect: those of the out-of-fold picks, and the luck of their runs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stage2_rerank.thresholds.cross_validation import CountsByRun, each_run_left_out
from stage2_rerank.thresholds.jackknife import SCORE_RANGE, Interval, jackknife_interval


@dataclass(frozen=True)
class Share:
    """A share of pooled counts, and its 95 % interval (t, jackknife over the runs)."""

    value: float
    interval_95: Interval


@dataclass(frozen=True)
class Expectation:
    """What to expect of a type's picks.

    Parameters
    ----------
    precision : Share or None
        References hit for each pick; None without an out-of-fold pick.
    recall : Share or None
        Share of all references that is hit, those that stage 1 missed among them; None without a
        reference.
    """

    precision: Share | None
    recall: Share | None


def expectations(counts: CountsByRun) -> dict[str, Expectation]:
    """Pool counts over the runs, and see how the shares vary with the runs.

    Scores and thresholds stay as they are: the intervals hold the luck of the judged runs alone.

    Parameters
    ----------
    counts : CountsByRun
        Of out-of-fold picks.

    Returns
    -------
    dict of str to Expectation
        By particle type.
    """
    return {
        name: Expectation(
            precision=_share(counts.hits[:, t], counts.picks[:, t]),
            recall=_share(counts.hits[:, t], counts.references[:, t]),
        )
        for t, name in enumerate(counts.particle_types)
    }


def _share(
    part: NDArray[np.int64],  # (R,)
    whole: NDArray[np.int64],  # (R,)
) -> Share | None:
    # Runs with nothing to share say nothing.
    says = whole > 0
    if not says.any():
        return None
    part, whole = part[says], whole[says]
    value = float(part.sum() / whole.sum())
    if len(whole) == 1:
        return Share(value, SCORE_RANGE)
    counted = each_run_left_out(len(whole))[1:]
    return Share(
        value, jackknife_interval(value, (counted @ part) / (counted @ whole), SCORE_RANGE)
    )
