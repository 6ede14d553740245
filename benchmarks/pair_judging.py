"""Judge a fold by a stage 2 that was fitted on candidates of chosen networks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from benchmarks.pair_proposals import Pair, pair_folder, pair_of, pairs_of
from benchmarks.rerank_variants import Results
from picking.config.stage2_rerank import ThresholdRule
from picking.errors import InputError
from picking.files.batch_record import feature_file, proposal_files
from picking.files.tables import NESTED_SCORES, OUT_OF_FOLD, PICKS
from picking.scoring.folds import Folds
from picking.scoring.truth_matching import label_candidates
from stage2_rerank.classifier.candidate_rows import KEYS, CandidateRows, read_candidate_rows
from stage2_rerank.classifier.decision_loss import nominal_decision_probability
from stage2_rerank.classifier.rerank_classifier import RerankClassifier
from stage2_rerank.thresholds.cross_validation import CountsByRun, counts_by_run
from stage2_rerank.thresholds.final_picks import final_picks
from stage2_rerank.thresholds.threshold_file import (
    SCORE_COLUMNS,
    STAGES,
    THRESHOLD_RULES,
    Stage,
    Thresholds,
)
from stage2_rerank.tune_thresholds import tune_type

# The judged fold and all others: the fold that is judged comes first.
JUDGED = 0


def read_pairs(results: Results, work: Path) -> dict[Pair, CandidateRows]:
    """Read the candidates and features of every pair's runs.

    Raises
    ------
    InputError
        If a table is missing, or the features are not those of the finished result.
    """
    rows = {}
    for pair in pairs_of(results.folds.number):
        folder = pair_folder(work, pair)
        runs = [run for fold in pair for run in results.folds.judged_runs(fold)]
        rows[pair] = read_candidate_rows(
            [proposal_files(folder, run)["candidates"] for run in runs],
            [feature_file(folder, run) for run in runs],
        )
        if list(rows[pair].features.columns) != list(results.rows.features.columns):
            raise InputError(
                folder,
                "holds other features than the finished result",
                "give a result that this version of the code has made",
            )
    return rows


def networks_for(number: int, judged: int, turn: int) -> dict[int, Pair]:
    """Choose whose network proposes the candidates of every other fold that stage 2 is fitted on.

    Parameters
    ----------
    number : int
        Number of folds.
    judged : int
        The fold that stage 2 will judge.
    turn : int
        0: networks that have seen neither the other fold nor the judged one. 1 to ``number`` - 2:
        networks that have learnt from as few folds, the judged one among them; over the turns each
        of them serves once.

    Returns
    -------
    dict of int to (int, int)
        The two folds that the network has not seen, by the fold whose candidates it proposes.
    """
    chosen = {}
    for fold in range(number):
        if fold == judged:
            continue
        further = [(judged + step) % number for step in range(1, number)]
        further = further[further.index(fold) + 1 :] + further[: further.index(fold)]
        chosen[fold] = pair_of(fold, judged if turn == 0 else further[turn - 1])
    return chosen


def rows_for(
    standard: CandidateRows,
    of_pairs: Mapping[Pair, CandidateRows],
    folds: Folds,
    judged: int,
    networks: Mapping[int, Pair],
) -> CandidateRows:
    """Join the judged fold's standard candidates and those that stage 2 is fitted on.

    Parameters
    ----------
    standard : CandidateRows
        The finished result's, of all runs.
    of_pairs : mapping of (int, int) to CandidateRows
        What each pair's networks proposed in the runs of its two folds.
    folds : Folds
        Folds by run.
    judged : int
        The fold that stage 2 will judge.
    networks : mapping of int to (int, int)
        See :func:`networks_for`.

    Returns
    -------
    CandidateRows
        By run and candidate_id.
    """
    parts = [_of_runs(standard, folds.judged_runs(judged))]
    parts += [_of_runs(of_pairs[pair], folds.judged_runs(fold)) for fold, pair in networks.items()]
    candidates = pd.concat([part.candidates for part in parts], ignore_index=True)
    features = pd.concat([part.features for part in parts], ignore_index=True)
    order = candidates.sort_values(KEYS).index
    return CandidateRows(
        candidates.loc[order].reset_index(drop=True), features.loc[order].reset_index(drop=True)
    )


def _of_runs(rows: CandidateRows, runs: Sequence[str]) -> CandidateRows:
    wanted = np.flatnonzero(rows.candidates["run"].isin(runs))
    return CandidateRows(rows.candidates.iloc[wanted], rows.features.iloc[wanted])


@dataclass(frozen=True)
class JudgedFold:
    """What one stage 2 makes of the runs of the fold that it judges.

    Parameters
    ----------
    out_of_fold : DataFrame
        Table OUT_OF_FOLD of the judged runs alone.
    picks : dict
        Table PICKS of the judged runs, by threshold rule and stage.
    """

    out_of_fold: pd.DataFrame
    picks: dict[tuple[ThresholdRule, Stage], pd.DataFrame]


def judge_fold(results: Results, rows: CandidateRows, judged: int) -> JudgedFold:
    """Fit stage 2 and thresholds on the runs of all other folds, and pick in those of the judged.

    Parameters
    ----------
    results : Results
        Configuration, folds and truth; its own candidates are not looked at.
    rows : CandidateRows
        Candidates of all runs, see :func:`rows_for`.
    judged : int
        The fold to judge.
    """
    rules, judged_runs = results.rules, results.folds.judged_runs(judged)
    two_folds = Folds((judged_runs, results.folds.training_runs(judged)))
    positive = label_candidates(rows.candidates, results.truth, rules.match_radius_angstrom)
    types = rows.candidates["particle_type"].to_numpy()
    runs = rows.candidates["run"].to_numpy(dtype=object)
    learning = ~np.isin(runs, judged_runs)
    score = np.zeros(len(rows.candidates))
    for name in rules.weights:
        fit, asked = (types == name) & learning, (types == name) & ~learning
        classifier = RerankClassifier(
            results.config.stage2_rerank.classifier,
            decision_probability=nominal_decision_probability(rules.beta),
            random_state=results.config.seed,
        ).fit(rows.features[fit], positive[fit], runs[fit])
        # What the thresholds are tuned on: inner scores, by classifiers without the run.
        score[fit] = classifier.inner_probability_
        if asked.any():
            score[asked] = classifier.predict_proba(rows.features[asked])[:, 1]
    scored = OUT_OF_FOLD.check(
        rows.candidates.assign(fold=judged, rerank_score=score, is_positive=positive)[
            OUT_OF_FOLD.column_names
        ],
        "scored candidates",
    )
    nested = NESTED_SCORES.check(
        scored[learning].assign(outer_fold=JUDGED)[NESTED_SCORES.column_names], "nested scores"
    )
    tuned = {
        # Of the thresholds of two folds, only those of the judged one are used.
        name: tune_type(scored, nested, results.truth, two_folds, name, rules, seed=None)
        for name in rules.weights
    }
    of_judged = scored[~learning].reset_index(drop=True)

    def picks(rule: ThresholdRule, stage: Stage) -> pd.DataFrame:
        thresholds = Thresholds(rule=rule, beta=rules.beta, types=tuned)
        return final_picks(
            of_judged,
            SCORE_COLUMNS[stage],
            rules.suppression_angstrom,
            thresholds.fold_values(JUDGED, stage),
        )

    return JudgedFold(
        of_judged,
        {(rule, stage): picks(rule, stage) for rule in THRESHOLD_RULES for stage in STAGES},
    )


@dataclass(frozen=True)
class JudgedFolds:
    """All folds, each judged by a stage 2 of its own.

    Parameters
    ----------
    by_rule : dict
        Counts of both stages by either threshold rule.
    auc : dict of str to dict
        For each stage the area under the ROC curve of its score by particle type, over the
        candidates of all judged runs; NaN where there is no candidate of one of the classes.
    """

    by_rule: dict[ThresholdRule, dict[Stage, CountsByRun]]
    auc: dict[Stage, dict[str, float]]


def join_folds(results: Results, folds: Sequence[JudgedFold]) -> JudgedFolds:
    """Count the picks of all folds, each in its own judged runs."""
    rules = results.rules

    def counts(rule: ThresholdRule, stage: Stage) -> CountsByRun:
        picks = pd.concat([fold.picks[rule, stage] for fold in folds], ignore_index=True)
        return counts_by_run(results.truth, PICKS.check(picks, "picks"), rules)

    scored = pd.concat([fold.out_of_fold for fold in folds], ignore_index=True)
    return JudgedFolds(
        {rule: {stage: counts(rule, stage) for stage in STAGES} for rule in THRESHOLD_RULES},
        {
            stage: {
                name: _auc(scored[scored["particle_type"] == name], SCORE_COLUMNS[stage])
                for name in rules.weights
            }
            for stage in STAGES
        },
    )


def _auc(scored: pd.DataFrame, score_column: str) -> float:
    positive = scored["is_positive"]
    if positive.nunique() < 2:
        return float("nan")
    return float(roc_auc_score(positive, scored[score_column]))
