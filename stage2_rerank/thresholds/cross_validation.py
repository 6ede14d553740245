"""Nested cross-validation: picks, scores by the metric, and how far they are the runs' luck."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from picking.files.tables import PICKS
from picking.scoring.folds import Folds
from picking.scoring.metric import MetricResult, score
from picking.scoring.scoring_rules import ScoringRules
from picking.scoring.truth_matching import new_hits
from stage2_rerank.thresholds.final_picks import final_picks
from stage2_rerank.thresholds.jackknife import (
    DIFFERENCE_RANGE,
    SCORE_RANGE,
    Interval,
    jackknife_interval,
)
from stage2_rerank.thresholds.threshold_file import SCORE_COLUMNS, Stage, Thresholds


def nested_picks(
    out_of_fold: pd.DataFrame,
    folds: Folds,
    thresholds: Thresholds,
    stage: Stage,
    rules: ScoringRules,
) -> pd.DataFrame:
    """Pick from every fold's runs what its own thresholds keep, which have not seen these runs.

    Parameters
    ----------
    out_of_fold : DataFrame
        Table OUT_OF_FOLD.
    folds : Folds
        Folds by run.
    thresholds : Thresholds
        Thresholds of every fold.
    stage : {"stage1", "two_stage"}
        Whose score decides.
    rules : ScoringRules
        Distances of suppression.

    Returns
    -------
    DataFrame
        Table PICKS.
    """
    picks = [PICKS.empty()]
    for fold in range(folds.number):
        judged = out_of_fold[out_of_fold["run"].isin(folds.judged_runs(fold))]
        fold_thresholds = thresholds.fold_values(fold, stage)
        picks.append(
            final_picks(judged, SCORE_COLUMNS[stage], rules.suppression_angstrom, fold_thresholds)
        )
    return PICKS.check(pd.concat(picks, ignore_index=True), "out-of-fold picks")


def score_picks(truth: pd.DataFrame, picks: pd.DataFrame, rules: ScoringRules) -> MetricResult:
    """Score picks against the truth by the official metric.

    Parameters
    ----------
    truth : DataFrame
        Table TRUTH.
    picks : DataFrame
        Table PICKS; those of runs that the truth lacks do not count.
    rules : ScoringRules
        Types, radii, weights and beta.

    Returns
    -------
    MetricResult
    """
    return score(
        truth.rename(columns={"run": "experiment"}),
        picks.rename(columns={"run": "experiment"}),
        rules.radius_angstrom,
        rules.weights,
        rules.beta,
        rules.distance_multiplier,
    )


@dataclass(frozen=True)
class CountsByRun:
    """The metric's counts of every run and particle type.

    Parameters
    ----------
    runs : tuple of str
        The R runs of the truth: the metric judges no others.
    particle_types : tuple of str
        The T types.
    hits : ndarray, (R, T), int64
        Number of references that were hit.
    picks : ndarray, (R, T), int64
        Number of picks.
    references : ndarray, (R, T), int64
        Number of references.
    """

    runs: tuple[str, ...]
    particle_types: tuple[str, ...]
    hits: NDArray[np.int64]
    picks: NDArray[np.int64]
    references: NDArray[np.int64]

    def fbeta(self, times_drawn: NDArray[np.int64], beta: float) -> NDArray[np.float64]:
        """F-beta of pooled counts.

        Parameters
        ----------
        times_drawn : ndarray, (B, R), int64
            How often each run counts, for each of B ways to draw runs.
        beta : float
            F-beta's beta.

        Returns
        -------
        ndarray, (B, T), float64
            0 where a type has neither picks nor references.
        """
        beta_squared = beta**2
        above = (1 + beta_squared) * (times_drawn @ self.hits)
        below = beta_squared * (times_drawn @ self.references) + times_drawn @ self.picks
        return above / np.maximum(below, 1)


def counts_by_run(truth: pd.DataFrame, picks: pd.DataFrame, rules: ScoringRules) -> CountsByRun:
    """Count hits, picks and references of every run and type.

    Parameters
    ----------
    truth : DataFrame
        Table TRUTH.
    picks : DataFrame
        Table PICKS.
    rules : ScoringRules
        Types and radii.

    Returns
    -------
    CountsByRun
    """
    runs = sorted(truth["run"].unique())
    types = list(rules.radius_angstrom)
    numbered = picks.assign(candidate_id=np.arange(len(picks)))
    hits = new_hits(numbered, truth, rules.match_radius_angstrom, "score")

    def table(frame: pd.DataFrame, values: NDArray[np.int64]) -> NDArray[np.int64]:
        rows = pd.Index(runs).get_indexer(pd.Index(frame["run"]))
        columns = pd.Index(types).get_indexer(pd.Index(frame["particle_type"]))
        counted = np.zeros((len(runs), len(types)), dtype=np.int64)
        known = (rows >= 0) & (columns >= 0)
        np.add.at(counted, (rows[known], columns[known]), values[known])
        return counted

    return CountsByRun(
        tuple(runs),
        tuple(types),
        hits=table(picks, hits),
        picks=table(picks, np.ones(len(picks), dtype=np.int64)),
        references=table(truth, np.ones(len(truth), dtype=np.int64)),
    )


@dataclass(frozen=True)
class ScoreIntervals:
    """95 % intervals of a score and of every type's F-beta.

    Parameters
    ----------
    score : (float, float)
        Of the score.
    per_type : dict of str to (float, float)
        Of F-beta, by particle type.
    """

    score: Interval
    per_type: dict[str, Interval]


def score_intervals(
    stage1: CountsByRun, two_stage: CountsByRun, weights: Mapping[str, float], beta: float
) -> dict[str, ScoreIntervals]:
    """Leave out run after run, and see how both scores and their difference vary.

    The same run is left out for both stages, so that the difference is a paired one. Models and
    thresholds stay as they are: the intervals hold the luck of the judged runs alone.

    Parameters
    ----------
    stage1, two_stage : CountsByRun
        Counts of the same runs and types; or of any other two sides that are compared.
    weights : mapping of str to float
        Weight of each type in the score.
    beta : float
        F-beta's beta.

    Returns
    -------
    dict of str to ScoreIntervals
        Of "stage1", "two_stage" and "gain" (two-stage less stage 1).
    """
    names = stage1.particle_types
    weight = np.array([weights[name] for name in names])
    first = stage1.fbeta(each_run_left_out(len(stage1.runs)), beta)  # (1 + R, T)
    second = two_stage.fbeta(each_run_left_out(len(two_stage.runs)), beta)

    def intervals(fbeta: NDArray[np.float64], possible: Interval) -> ScoreIntervals:
        score = fbeta @ weight / weight.sum()
        return ScoreIntervals(
            jackknife_interval(score[0], score[1:], possible),
            {
                name: jackknife_interval(fbeta[0, t], fbeta[1:, t], possible)
                for t, name in enumerate(names)
            },
        )

    return {
        "stage1": intervals(first, SCORE_RANGE),
        "two_stage": intervals(second, SCORE_RANGE),
        "gain": intervals(second - first, DIFFERENCE_RANGE),
    }


def each_run_left_out(number: int) -> NDArray[np.int64]:
    """How often each of R runs counts: all of them, then without each one, (1 + R, R)."""
    return np.concatenate(
        [np.ones((1, number), dtype=np.int64), 1 - np.eye(number, dtype=np.int64)]
    )


def recall_by_budget(
    candidates: pd.DataFrame, truth: pd.DataFrame, radius_angstrom: Mapping[str, float]
) -> dict[str, NDArray[np.float64]]:
    """Recall of each type if only the best 1, 2, ... candidates of every run were proposed.

    Parameters
    ----------
    candidates : DataFrame
        Columns run, candidate_id, particle_type, x, y, z (Å) and proposal_score.
    truth : DataFrame
        Table TRUTH.
    radius_angstrom : mapping of str to float
        Hit radius of each type, Å.

    Returns
    -------
    dict of str to ndarray, (budget,), float64
        Recall at 1, 2, ... candidates of the type in each run; empty without candidates or
        references.
    """
    hits = new_hits(candidates, truth, radius_angstrom)
    ranked = candidates.assign(hits=hits).sort_values(
        ["proposal_score", "candidate_id"], ascending=[False, True]
    )
    ranked["rank"] = ranked.groupby(["run", "particle_type"]).cumcount()
    curves = {}
    for name in radius_angstrom:
        references = int((truth["particle_type"] == name).sum())
        of_type = ranked[ranked["particle_type"] == name]
        gained = np.bincount(of_type["rank"], weights=of_type["hits"])
        curves[name] = np.cumsum(gained) / references if references else np.zeros(0)
    return curves
