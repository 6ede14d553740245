"""Precision and recall to expect: those of the out-of-fold picks, with a bootstrap over runs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stage2_rerank.thresholds.cross_validation import (
    BOOTSTRAP_REPLICATES,
    INTERVAL_PERCENTILES,
    CountsByRun,
    Interval,
    draw_runs,
)


@dataclass(frozen=True)
class Share:
    """A share of pooled counts, and its 95 % interval from runs drawn with replacement."""

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


def expectations(counts: CountsByRun, seed: int) -> dict[str, Expectation]:
    """Pool counts over the runs, and see how the shares vary with the runs.

    Scores and thresholds stay as they are: the intervals hold the luck of the judged runs alone.

    Parameters
    ----------
    counts : CountsByRun
        Of out-of-fold picks.
    seed : int
        Seed of the draws.

    Returns
    -------
    dict of str to Expectation
        By particle type.
    """
    draws = draw_runs(len(counts.runs), BOOTSTRAP_REPLICATES, seed)
    return {
        name: Expectation(
            precision=_share(counts.hits[:, t], counts.picks[:, t], draws),
            recall=_share(counts.hits[:, t], counts.references[:, t], draws),
        )
        for t, name in enumerate(counts.particle_types)
    }


def _share(
    part: NDArray[np.int64],  # (R,)
    whole: NDArray[np.int64],  # (R,)
    draws: NDArray[np.int64],  # (B, R)
) -> Share | None:
    if not whole.any():
        return None
    drawn = draws @ whole
    # A draw of runs with nothing to share says nothing.
    says = drawn > 0
    low, high = np.percentile((draws @ part)[says] / drawn[says], INTERVAL_PERCENTILES)
    return Share(float(part.sum() / whole.sum()), (float(low), float(high)))
