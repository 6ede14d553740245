"""Gather the report's figures from the out-of-fold candidates."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from picking.scoring.folds import Folds
from picking.scoring.metric import MetricResult
from picking.scoring.scoring_rules import ScoringRules
from picking.scoring.truth_matching import proposal_recall
from stage2_rerank.report.content import (
    FeatureLikenessFigures,
    GainFigures,
    LikenessFigures,
    ProposalFigures,
    Quantiles,
    ReportContent,
    RunFigures,
    RunTypeFigures,
    StageFigures,
    TypeFigures,
)
from stage2_rerank.report.decisions import (
    loss_figures,
    reliability_figures,
    rule_figures,
    score_if_perfect,
    threshold_figures,
)
from stage2_rerank.report.feature_likeness import feature_likeness
from stage2_rerank.report.run_drift import RunTables, run_drift
from stage2_rerank.report.told_apart import told_apart_auc
from stage2_rerank.thresholds.cross_validation import (
    CountsByRun,
    ScoreIntervals,
    counts_by_run,
    nested_picks,
    score_intervals,
    score_picks,
)
from stage2_rerank.thresholds.final_picks import final_picks
from stage2_rerank.thresholds.threshold_file import STAGES, Thresholds


@dataclass(frozen=True)
class ReportInputs:
    """What a report is made of, as tables.

    Parameters
    ----------
    name : str
        Name of this run of the pipeline.
    out_of_fold : DataFrame
        Table OUT_OF_FOLD of all types.
    truth : DataFrame
        Table TRUTH of the training runs.
    folds : Folds
        Folds by run.
    thresholds : Thresholds
        Thresholds of all types.
    strength : mapping of str to float
        Strength of every type's final classifier.
    test : DataFrame or None
        Table SCORED_CANDIDATES of the test runs; None without any.
    test_runs : tuple of str
        The test runs, those without candidates among them.
    features, test_features : DataFrame or None
        Tables FEATURES of the training runs and the test runs; None if they are not compared.
    """

    name: str
    out_of_fold: pd.DataFrame
    truth: pd.DataFrame
    folds: Folds
    thresholds: Thresholds
    strength: Mapping[str, float]
    test: pd.DataFrame | None
    test_runs: tuple[str, ...]
    features: pd.DataFrame | None
    test_features: pd.DataFrame | None

    @property
    def likeness_runs(self) -> list[str]:
        """Test runs that no model has learnt from: the others are like themselves."""
        return sorted(set(self.test_runs) - set(self.folds.runs))


def assemble_content(inputs: ReportInputs, rules: ScoringRules) -> ReportContent:
    """Compute every figure of the report.

    Parameters
    ----------
    inputs : ReportInputs
        Tables.
    rules : ScoringRules
        Radii, distances, weights and beta.

    Returns
    -------
    ReportContent
    """
    picks = {
        stage: nested_picks(inputs.out_of_fold, inputs.folds, inputs.thresholds, stage, rules)
        for stage in STAGES
    }
    results = {stage: score_picks(inputs.truth, picks[stage], rules) for stage in STAGES}
    counts = {stage: counts_by_run(inputs.truth, picks[stage], rules) for stage in STAGES}
    intervals = score_intervals(counts["stage1"], counts["two_stage"], rules.weights, rules.beta)
    figures = {
        stage: _stage_figures(results[stage], counts[stage], intervals[stage], rules)
        for stage in STAGES
    }
    recall = proposal_recall(inputs.out_of_fold, inputs.truth, rules.match_radius_angstrom)
    runs = len(inputs.folds.runs)
    features = _feature_likeness(inputs)
    trained = RunTables(
        inputs.folds.runs, inputs.out_of_fold, picks["two_stage"], inputs.truth, inputs.features
    )
    tested = _test_tables(inputs, rules)
    loss, confusion = loss_figures(inputs.out_of_fold, picks["two_stage"], inputs.truth, rules)
    return ReportContent(
        name=inputs.name,
        folds=inputs.folds.number,
        training_runs=runs,
        test_runs=len(inputs.test_runs),
        likeness_runs=len(inputs.likeness_runs),
        beta=rules.beta,
        threshold_rule=inputs.thresholds.rule,
        weights=rules.weights,
        stage1=figures["stage1"],
        two_stage=figures["two_stage"],
        gain=_gain_figures(figures["stage1"], figures["two_stage"], intervals["gain"]),
        proposal_recall={
            name: float(value) if np.isfinite(value) else None for name, value in recall.items()
        },
        per_run=_proposal_figures(inputs, rules),
        candidates_per_run=len(inputs.out_of_fold) / runs,
        strength=dict(inputs.strength),
        thresholds=threshold_figures(inputs.out_of_fold, inputs.truth, inputs.thresholds, rules),
        by_rule=rule_figures(
            inputs.out_of_fold,
            inputs.truth,
            inputs.folds,
            inputs.thresholds,
            rules,
        ),
        reliability=reliability_figures(inputs.out_of_fold, inputs.truth, rules),
        loss=loss,
        score_if_perfect=score_if_perfect(loss, rules),
        confusion=confusion,
        drift=run_drift(trained, tested, rules),
        likeness=_likeness(inputs, picks["two_stage"], tested, rules),
        feature_likeness=features,
        feature_likeness_median=_median_likeness(features),
        told_apart_auc=_told_apart(inputs),
    )


def _stage_figures(
    result: MetricResult, counts: CountsByRun, intervals: ScoreIntervals, rules: ScoringRules
) -> StageFigures:
    weight = np.array([rules.weights[name] for name in counts.particle_types])
    fbeta = counts.fbeta(np.eye(len(counts.runs), dtype=np.int64), rules.beta)  # (R, T)
    per_run = {}
    for row, run in enumerate(counts.runs):
        held = weight * (counts.references[row] > 0)
        per_run[run] = RunFigures(
            score=float(fbeta[row] @ held / held.sum()) if held.sum() > 0 else None,
            found=int(counts.hits[row].sum()),
            expected=int(counts.references[row].sum()),
            picks=int(counts.picks[row].sum()),
            per_type={
                name: RunTypeFigures(
                    fbeta=float(fbeta[row, column]) if counts.references[row, column] else None,
                    found=int(counts.hits[row, column]),
                    expected=int(counts.references[row, column]),
                    picks=int(counts.picks[row, column]),
                )
                for column, name in enumerate(counts.particle_types)
            },
        )
    return StageFigures(
        score=result.score,
        interval_95=intervals.score,
        per_type={
            name: TypeFigures(**asdict(of_type), interval_95=intervals.per_type[name])
            for name, of_type in result.per_type.items()
        },
        per_run=per_run,
    )


def _proposal_figures(inputs: ReportInputs, rules: ScoringRules) -> dict[str, ProposalFigures]:
    candidates = inputs.out_of_fold.rename(columns={"proposal_score": "score"})
    counts = counts_by_run(inputs.truth, candidates, rules)
    weighted = np.array([rules.weights[name] > 0 for name in counts.particle_types])

    def recall(hits: NDArray[np.int64], references: NDArray[np.int64]) -> float | None:
        return float(hits.sum() / references.sum()) if references.sum() else None

    return {
        run: ProposalFigures(
            proposal_recall=recall(counts.hits[row, weighted], counts.references[row, weighted]),
            per_type={
                name: recall(counts.hits[row, column], counts.references[row, column])
                for column, name in enumerate(counts.particle_types)
            },
        )
        for row, run in enumerate(counts.runs)
    }


def _gain_figures(
    stage1: StageFigures, two_stage: StageFigures, intervals: ScoreIntervals
) -> GainFigures:
    def of_run(run: str) -> float | None:
        before, after = stage1.per_run[run].score, two_stage.per_run[run].score
        return None if before is None or after is None else after - before

    return GainFigures(
        score=two_stage.score - stage1.score,
        interval_95=intervals.score,
        per_type={
            name: of_type.fbeta - stage1.per_type[name].fbeta
            for name, of_type in two_stage.per_type.items()
        },
        per_type_interval_95={name: intervals.per_type[name] for name in two_stage.per_type},
        per_run={run: of_run(run) for run in two_stage.per_run},
    )


def _quantiles(values: pd.Series) -> Quantiles:
    if values.empty:
        return Quantiles(q05=None, q50=None, q95=None)
    low, middle, high = np.quantile(values.to_numpy(dtype=np.float64), (0.05, 0.5, 0.95))
    return Quantiles(q05=float(low), q50=float(middle), q95=float(high))


def _test_tables(inputs: ReportInputs, rules: ScoringRules) -> RunTables | None:
    """Candidates and picks of the test runs that no model has learnt from; None without any."""
    runs = tuple(inputs.likeness_runs)
    if inputs.test is None or not runs:
        return None
    scored = inputs.test[inputs.test["run"].isin(runs)]
    picks = final_picks(
        scored, "rerank_score", rules.suppression_angstrom, inputs.thresholds.final_values()
    )
    return RunTables(runs, scored, picks, features=inputs.test_features)


def _likeness(
    inputs: ReportInputs, nested: pd.DataFrame, tested: RunTables | None, rules: ScoringRules
) -> dict[str, LikenessFigures] | None:
    if tested is None:
        return None
    table = {}
    for name in rules.weights:
        out_of_fold = inputs.out_of_fold[inputs.out_of_fold["particle_type"] == name]
        test = tested.candidates[tested.candidates["particle_type"] == name]
        table[name] = LikenessFigures(
            proposal_out_of_fold=_quantiles(out_of_fold["proposal_score"]),
            proposal_test=_quantiles(test["proposal_score"]),
            rerank_out_of_fold=_quantiles(out_of_fold["rerank_score"]),
            rerank_test=_quantiles(test["rerank_score"]),
            picks_per_run_out_of_fold=float(np.sum(nested["particle_type"] == name))
            / len(inputs.folds.runs),
            picks_per_run_test=float(np.sum(tested.picks["particle_type"] == name))
            / len(tested.runs),
        )
    return table


def _compared_features(inputs: ReportInputs) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Features of training runs, and of test runs that are no training runs as well."""
    if inputs.features is None or inputs.test_features is None:
        return None
    return (
        inputs.features[inputs.features["run"].isin(inputs.folds.runs)],
        inputs.test_features[inputs.test_features["run"].isin(inputs.likeness_runs)],
    )


def _told_apart(inputs: ReportInputs) -> float | None:
    compared = _compared_features(inputs)
    return None if compared is None else told_apart_auc(*compared, inputs.folds)


def _feature_likeness(inputs: ReportInputs) -> dict[str, FeatureLikenessFigures] | None:
    compared = _compared_features(inputs)
    if compared is None:
        return None
    likeness = feature_likeness(*compared, inputs.folds)
    if likeness is None:
        return None
    return {
        name: FeatureLikenessFigures(
            distance=float(distance), null_distance=float(null) if np.isfinite(null) else None
        )
        for name, distance, null in zip(
            likeness.names, likeness.distance, likeness.null_distance, strict=True
        )
    }


def _median_likeness(
    features: dict[str, FeatureLikenessFigures] | None,
) -> FeatureLikenessFigures | None:
    if features is None:
        return None
    nulls = [item.null_distance for item in features.values() if item.null_distance is not None]
    return FeatureLikenessFigures(
        distance=float(np.median([item.distance for item in features.values()])),
        null_distance=float(np.median(nulls)) if nulls else None,
    )
