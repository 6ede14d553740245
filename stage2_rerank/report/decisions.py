"""The report's figures on decisions: thresholds, calibration, and what wrong ones cost."""

from dataclasses import asdict

import numpy as np
import pandas as pd

from picking.config.stage2_rerank import ThresholdRule
from picking.scoring.folds import Folds
from picking.scoring.scoring_rules import ScoringRules
from picking.scoring.truth_matching import new_hits
from stage2_rerank.report.content import (
    LossFigures,
    ReliabilityFigures,
    RuleFigures,
    RuleScore,
    ThresholdFigures,
    TypeThresholdFigures,
)
from stage2_rerank.thresholds.cross_validation import (
    counts_by_run,
    nested_picks,
    score_intervals,
    score_picks,
)
from stage2_rerank.thresholds.final_curve import final_curve
from stage2_rerank.thresholds.final_picks import suppressed
from stage2_rerank.thresholds.loss_decomposition import decompose_loss
from stage2_rerank.thresholds.reliability import reliability
from stage2_rerank.thresholds.threshold_file import (
    STAGES,
    THRESHOLD_RULES,
    Stage,
    Thresholds,
    TypeThresholds,
)

FLAT_WITHIN = 0.01  # of F-beta: less than the luck of a single reference


def threshold_figures(
    out_of_fold: pd.DataFrame, truth: pd.DataFrame, thresholds: Thresholds, rules: ScoringRules
) -> dict[str, TypeThresholdFigures]:
    """Every threshold with its interval and folds, and how flat F-beta is around the best."""
    figures = {}
    for name, of_type in thresholds.types.items():

        def by_rule(
            stage: Stage, rule: ThresholdRule, of_type: TypeThresholds = of_type
        ) -> ThresholdFigures:
            final = of_type.final.of(stage).by(rule)
            return ThresholdFigures(
                value=final.value,
                interval_95=final.interval_95,
                folds=tuple(fold.of(stage).by(rule).value for fold in of_type.folds),
            )

        curve = final_curve(out_of_fold, truth, name, "rerank_score", rules)
        fbeta = curve.fbeta
        flat = curve.scores[fbeta >= fbeta.max(initial=0.0) - FLAT_WITHIN]
        found = bool(np.any(fbeta > 0))
        figures[name] = TypeThresholdFigures(
            stage1_curve=by_rule("stage1", "curve"),
            stage1_probability=by_rule("stage1", "probability"),
            two_stage_curve=by_rule("two_stage", "curve"),
            two_stage_probability=by_rule("two_stage", "probability"),
            flat_from=float(flat.min()) if found else None,
            flat_to=float(flat.max()) if found else None,
        )
    return figures


def rule_figures(
    out_of_fold: pd.DataFrame,
    truth: pd.DataFrame,
    folds: Folds,
    thresholds: Thresholds,
    rules: ScoringRules,
) -> dict[str, RuleFigures]:
    """Score of stage 1 alone and of both stages, nested, with thresholds by the same rule."""
    figures: dict[str, RuleFigures] = {}
    for rule in THRESHOLD_RULES:
        by_rule = thresholds.model_copy(update={"rule": rule})
        picks = {stage: nested_picks(out_of_fold, folds, by_rule, stage, rules) for stage in STAGES}
        scores = {stage: score_picks(truth, picks[stage], rules).score for stage in STAGES}
        counts = {stage: counts_by_run(truth, picks[stage], rules) for stage in STAGES}
        intervals = score_intervals(
            counts["stage1"], counts["two_stage"], rules.weights, rules.beta
        )
        figures[rule] = RuleFigures(
            stage1=RuleScore(score=scores["stage1"], interval_95=intervals["stage1"].score),
            two_stage=RuleScore(
                score=scores["two_stage"], interval_95=intervals["two_stage"].score
            ),
            gain=RuleScore(
                score=scores["two_stage"] - scores["stage1"], interval_95=intervals["gain"].score
            ),
        )
    return figures


def reliability_figures(
    out_of_fold: pd.DataFrame, truth: pd.DataFrame, rules: ScoringRules
) -> dict[str, list[ReliabilityFigures]]:
    """Calibrated probability against frequency of new hits in the final, deduplicated list."""
    judged = out_of_fold[out_of_fold["run"].isin(truth["run"])]
    final = suppressed(judged, "rerank_score", rules.suppression_angstrom)
    is_new_hit = new_hits(final, truth, rules.match_radius_angstrom, "rerank_score") > 0
    figures = {}
    for name in rules.weights:
        of_type = (final["particle_type"] == name).to_numpy()
        bins = reliability(
            final.loc[of_type, "rerank_score"].to_numpy(np.float64), is_new_hit[of_type]
        )
        figures[name] = [ReliabilityFigures(**asdict(one), frequency=one.frequency) for one in bins]
    return figures


def loss_figures(
    out_of_fold: pd.DataFrame, picks: pd.DataFrame, truth: pd.DataFrame, rules: ScoringRules
) -> tuple[dict[str, LossFigures], dict[str, dict[str, int]]]:
    """Tell what became of picks and references, and the picks by what stands there."""
    losses, confusion = decompose_loss(out_of_fold, picks, truth, rules)
    figures = {}
    for name, loss in losses.items():
        counts = asdict(loss)
        del counts["best_threshold_fbeta"], counts["beta"]
        figures[name] = LossFigures(**counts, fbeta_if_perfect=loss.oracles)
    table = {
        str(name): {str(column): int(value) for column, value in row.items()}
        for name, row in confusion.iterrows()
    }
    return figures, table


def score_if_perfect(loss: dict[str, LossFigures], rules: ScoringRules) -> dict[str, float]:
    """Score if one thing were perfect in every type, the rest as it is."""
    total = sum(rules.weights.values())
    causes = next(iter(loss.values())).fbeta_if_perfect if loss else {}
    return {
        cause: sum(rules.weights[name] * one.fbeta_if_perfect[cause] for name, one in loss.items())
        / total
        for cause in causes
    }
