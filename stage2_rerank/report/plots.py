"""Gather what the report's plots show, and have them drawn."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from picking.scoring.scoring_rules import ScoringRules
from stage2_rerank.report.assembly import ReportInputs
from stage2_rerank.report.content import ReportContent, StageFigures, TypeFigures
from stage2_rerank.report.figures import (
    FbetaOverThreshold,
    PicksOverThreshold,
    PrecisionRecall,
    TypeBar,
    fbeta_bars,
    fbeta_panel,
    likeness_panel,
    precision_recall_panel,
    recall_panel,
    reliability_panel,
)
from stage2_rerank.thresholds.cross_validation import recall_by_budget
from stage2_rerank.thresholds.final_curve import final_curve
from stage2_rerank.thresholds.final_picks import suppressed
from stage2_rerank.thresholds.threshold_file import SCORE_COLUMNS, Stage


def assemble_plots(
    inputs: ReportInputs, content: ReportContent, rules: ScoringRules
) -> dict[str, str]:
    """Draw the report's plots.

    Returns
    -------
    dict of str to str
        SVG text: "fbeta", and for every type that the truth holds "TYPE precision-recall",
        "TYPE recall", "TYPE reliability", "TYPE threshold" and, if there are test runs to compare,
        "TYPE likeness".
    """
    bars = [
        TypeBar(name, _bar(content.stage1.per_type[name]), _bar(content.two_stage.per_type[name]))
        for name in rules.weights
        if name in content.stage1.per_type
    ]
    plots = {"fbeta": fbeta_bars(bars, f"F{rules.beta:g}")}
    recall = recall_by_budget(inputs.out_of_fold, inputs.truth, rules.match_radius_angstrom)
    for bar in bars:
        name = bar.particle_type
        stage1 = _precision_recall(inputs, content.stage1, "stage1", name, rules)
        two_stage = _precision_recall(inputs, content.two_stage, "two_stage", name, rules)
        plots[f"{name} precision-recall"] = precision_recall_panel(stage1, two_stage, name)
        plots[f"{name} recall"] = recall_panel(recall[name], name)
        plots[f"{name} reliability"] = reliability_panel(content.reliability[name], name)
        plots[f"{name} threshold"] = fbeta_panel(
            _over_threshold(inputs, name, rules), f"F{rules.beta:g}", name
        )
        if content.likeness is not None:
            plots[f"{name} likeness"] = likeness_panel(*_likeness(inputs, name, rules), name)
    return plots


def _bar(figures: TypeFigures) -> tuple[float, float, float]:
    return figures.interval_95[0], figures.fbeta, figures.interval_95[1]


def _precision_recall(
    inputs: ReportInputs, figures: StageFigures, stage: Stage, name: str, rules: ScoringRules
) -> PrecisionRecall:
    curve = final_curve(inputs.out_of_fold, inputs.truth, name, SCORE_COLUMNS[stage], rules)
    precision: NDArray[np.float64] = curve.hits / curve.candidates
    return PrecisionRecall(
        precision=precision,
        recall=curve.hits / max(curve.references, 1),
        chosen_precision=figures.per_type[name].precision,
        chosen_recall=figures.per_type[name].recall,
    )


def _over_threshold(inputs: ReportInputs, name: str, rules: ScoringRules) -> FbetaOverThreshold:
    curve = final_curve(inputs.out_of_fold, inputs.truth, name, "rerank_score", rules)
    threshold = inputs.thresholds.decisive(inputs.thresholds.types[name].final, "two_stage")
    return FbetaOverThreshold(
        score=curve.scores,
        fbeta=curve.fbeta,
        threshold=threshold.value,
        interval=threshold.interval_95 or (threshold.value, threshold.value),
    )


def _likeness(
    inputs: ReportInputs, name: str, rules: ScoringRules
) -> tuple[PicksOverThreshold, PicksOverThreshold, float]:
    """Count picks a run over the threshold, out of fold and in test runs; and the threshold."""
    assert inputs.test is not None
    sides = []
    for candidates, runs in (
        (inputs.out_of_fold, inputs.folds.runs),
        (inputs.test, inputs.likeness_runs),
    ):
        of_type = candidates[(candidates["particle_type"] == name) & candidates["run"].isin(runs)]
        final = suppressed(of_type, "rerank_score", rules.suppression_angstrom)
        sides.append(_picks_over_threshold(final, len(runs)))
    threshold = inputs.thresholds.decisive(inputs.thresholds.types[name].final, "two_stage")
    return sides[0], sides[1], threshold.value


def _picks_over_threshold(final: pd.DataFrame, runs: int) -> PicksOverThreshold:
    falling = np.sort(final["rerank_score"].to_numpy(np.float64))[::-1]
    return PicksOverThreshold(score=falling, picks=np.arange(1, len(falling) + 1) / runs)
