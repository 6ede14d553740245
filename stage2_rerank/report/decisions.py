"""The report's figures on decisions: thresholds, calibration, and what wrong ones cost."""

from dataclasses import asdict

import numpy as np
import pandas as pd

from picking.scoring.folds import Folds
from picking.scoring.scoring_rules import ScoringRules
from picking.scoring.truth_matching import new_hits
from stage2_rerank.report.content import (
    LossFigures,
    ReliabilityFigures,
    RuleFigures,
    ThresholdFigures,
    TypeThresholdFigures,
)
from stage2_rerank.thresholds.cross_validation import (
    bootstrap,
    counts_by_run,
    nested_picks,
    score_picks,
)
from stage2_rerank.thresholds.final_curve import final_curve
from stage2_rerank.thresholds.final_picks import suppressed
from stage2_rerank.thresholds.loss_decomposition import decompose_loss
from stage2_rerank.thresholds.reliability import reliability
from stage2_rerank.thresholds.threshold_file import THRESHOLD_RULES, Threshold, Thresholds

FLAT_WITHIN = 0.01  # of F-beta: less than the luck of a single reference


def threshold_figures(
    out_of_fold: pd.DataFrame, truth: pd.DataFrame, thresholds: Thresholds, rules: ScoringRules
) -> dict[str, TypeThresholdFigures]:
    """Every threshold with its interval and folds, and how flat F-beta is around the best."""
    figures = {}
    for name, of_type in thresholds.types.items():

        def one(final: Threshold, folds: list[Threshold]) -> ThresholdFigures:
            return ThresholdFigures(
                value=final.value,
                interval_95=final.interval_95,
                folds=tuple(fold.value for fold in folds),
            )

        curve = final_curve(out_of_fold, truth, name, "rerank_score", rules)
        fbeta = curve.fbeta
        flat = curve.scores[fbeta >= fbeta.max(initial=0.0) - FLAT_WITHIN]
        found = bool(np.any(fbeta > 0))
        figures[name] = TypeThresholdFigures(
            stage1=one(of_type.final.stage1, [fold.stage1 for fold in of_type.folds]),
            two_stage_curve=one(of_type.final.curve, [fold.curve for fold in of_type.folds]),
            two_stage_probability=one(
                of_type.final.probability, [fold.probability for fold in of_type.folds]
            ),
            flat_from=float(flat.min()) if found else None,
            flat_to=float(flat.max()) if found else None,
        )
    return figures


def rule_figures(
    out_of_fold: pd.DataFrame,
    truth: pd.DataFrame,
    folds: Folds,
    thresholds: Thresholds,
    stage1: pd.DataFrame,
    rules: ScoringRules,
    seed: int,
) -> dict[str, RuleFigures]:
    """Score of both stages by either rule, and the gain on the nested picks of stage 1."""
    stage1_score = score_picks(truth, stage1, rules).score
    stage1_counts = counts_by_run(truth, stage1, rules)
    figures: dict[str, RuleFigures] = {}
    for rule in THRESHOLD_RULES:
        by_rule = thresholds.model_copy(update={"rule": rule})
        picks = nested_picks(out_of_fold, folds, by_rule, "two_stage", rules)
        score = score_picks(truth, picks, rules).score
        counts = counts_by_run(truth, picks, rules)
        intervals = bootstrap(stage1_counts, counts, rules.weights, rules.beta, seed)
        figures[rule] = RuleFigures(
            score=score, gain=score - stage1_score, gain_interval_95=intervals["gain"].score
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
