"""How far a threshold is the luck of the runs that it was fitted on: a bootstrap over runs."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from picking.scoring.scoring_rules import ScoringRules
from picking.scoring.truth_matching import new_hits
from stage2_rerank.thresholds.fbeta_curve import FbetaCurve
from stage2_rerank.thresholds.jackknife import Interval

# Percentiles of a 95 % interval. They say how a threshold wanders: it jumps from candidate to
# candidate, which a jackknife does not follow.
INTERVAL_PERCENTILES = (2.5, 97.5)
REPLICATES = 200  # ends of the interval to about a twentieth of its width


def threshold_intervals(
    final_list: pd.DataFrame,
    truth: pd.DataFrame,
    runs: Sequence[str],
    score_column: str,
    rules: ScoringRules,
    threshold_rules: Sequence[Callable[[FbetaCurve], float]],
    seed: int,
) -> list[Interval]:
    """95 % interval of a threshold by each of some rules; the scores stay as they are.

    Parameters
    ----------
    final_list : DataFrame
        Candidates of one particle type, duplicates already suppressed by ``score_column``.
    truth : DataFrame
        References of the same type.
    runs : sequence of str
        Runs that are drawn, those without candidates or references among them.
    score_column : str
        Score that is held against the threshold.
    rules : ScoringRules
        Radii and beta.
    threshold_rules : sequence of callable
        From a curve to a threshold, as in :mod:`stage2_rerank.thresholds.fbeta_curve`.
    seed : int
        Seed of the draws.

    Returns
    -------
    list of (float, float)
        One interval for each rule.
    """
    numbered = pd.Index(sorted(runs))
    score = final_list[score_column].to_numpy(dtype=np.float64)
    best_first = np.argsort(-score, kind="stable")
    falling = score[best_first]
    last_of_ties = np.flatnonzero(np.append(np.diff(falling) != 0, len(falling) > 0))
    hits = new_hits(final_list, truth, rules.match_radius_angstrom, score_column)[best_first]
    run_of = numbered.get_indexer(pd.Index(final_list["run"]))[best_first]
    run_of_reference = numbered.get_indexer(pd.Index(truth["run"]))
    references = np.bincount(run_of_reference, minlength=len(numbered))
    draws = draw_runs(len(numbered), REPLICATES, seed)  # (B, R)

    def curve(times_drawn: NDArray[np.int64]) -> FbetaCurve:
        times = times_drawn[run_of]
        return FbetaCurve(
            scores=falling[last_of_ties],
            hits=np.cumsum(times * hits)[last_of_ties],
            candidates=np.cumsum(times)[last_of_ties],
            references=int(times_drawn @ references),
            beta=rules.beta,
        )

    curves = [curve(times_drawn) for times_drawn in draws]
    values = np.array([[rule(one) for one in curves] for rule in threshold_rules])
    low, high = np.percentile(values, INTERVAL_PERCENTILES, axis=1)
    return list(zip(low.tolist(), high.tolist(), strict=True))


def draw_runs(number: int, replicates: int, seed: int) -> NDArray[np.int64]:
    """Draw as many of some runs as there are, with replacement, again and again.

    Parameters
    ----------
    number : int
        R, the number of runs.
    replicates : int
        B, how often they are drawn.
    seed : int
        Seed of the draws.

    Returns
    -------
    ndarray, (B, R), int64
        How often each draw holds each run.
    """
    chances = np.full(number, 1 / number)
    return np.random.default_rng(seed).multinomial(number, chances, size=replicates)
