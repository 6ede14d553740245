"""Tune every type's thresholds on out-of-fold scores, for the final picks and for every fold.

Writes the types' out-of-fold tables as one (--out-of-fold), and --thresholds. The thresholds of the
final classifier come from its own inner out-of-fold scores of all training runs; those for a fold
come, in the same way, from the scores of that fold's classifier on the other folds.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from picking.command_line import command_parser, run_command
from picking.config import PipelineConfig, load_config
from picking.config.stage2_rerank import ThresholdRule
from picking.data_in.inventory import resolve
from picking.errors import InputError
from picking.files.tables import FINAL_CLASSIFIER, NESTED_SCORES, OUT_OF_FOLD, TRUTH
from picking.scoring.folds import Folds
from picking.scoring.scoring_rules import ScoringRules
from stage2_rerank.thresholds.fbeta_curve import (
    FbetaCurve,
    fbeta_curve,
    threshold_by_curve,
    threshold_by_probability,
)
from stage2_rerank.thresholds.final_picks import suppressed
from stage2_rerank.thresholds.intervals import threshold_intervals
from stage2_rerank.thresholds.stage1_probability import threshold_by_calibrated_score
from stage2_rerank.thresholds.threshold_file import (
    SCORE_COLUMNS,
    RuleThresholds,
    Stage,
    Threshold,
    Thresholds,
    ThresholdSet,
    TypeThresholds,
)

SORTED_BY = ["run", "candidate_id"]
# The same two rules for either stage; stage 1's score is no probability yet.
RULES: dict[Stage, dict[ThresholdRule, Callable[[FbetaCurve], float]]] = {
    "stage1": {"curve": threshold_by_curve, "probability": threshold_by_calibrated_score},
    "two_stage": {"curve": threshold_by_curve, "probability": threshold_by_probability},
}


def tune_type(
    out_of_fold: pd.DataFrame,
    nested_scores: pd.DataFrame,
    truth: pd.DataFrame,
    folds: Folds,
    particle_type: str,
    rules: ScoringRules,
    seed: int | None = 0,
) -> TypeThresholds:
    """Fit the thresholds of one particle type.

    Parameters
    ----------
    out_of_fold : DataFrame
        Table OUT_OF_FOLD of all types or this one; its own rerank_score is not looked at.
    nested_scores : DataFrame
        Table NESTED_SCORES of all types or this one.
    truth : DataFrame
        Table TRUTH of all types.
    folds : Folds
        Folds by run.
    particle_type : str
        The type.
    rules : ScoringRules
        Radii, distances and beta.
    seed : int or None
        Seed of the bootstrap that gives the final thresholds their intervals; None: no intervals.

    Returns
    -------
    TypeThresholds
    """
    candidates = out_of_fold[out_of_fold["particle_type"] == particle_type]
    candidates = candidates.drop(columns="rerank_score")
    nested = nested_scores[nested_scores["particle_type"] == particle_type]
    # The metric judges the truth's runs alone.
    judged_runs = set(truth["run"])
    truth = truth[truth["particle_type"] == particle_type]

    def fitted_on(runs: Sequence[str], classifier: int) -> ThresholdSet:
        scores = nested[nested["outer_fold"] == classifier]
        judged = sorted(judged_runs.intersection(runs))
        scored = candidates[candidates["run"].isin(judged)].merge(
            scores[["run", "candidate_id", "rerank_score"]], on=["run", "candidate_id"]
        )
        of_runs = truth[truth["run"].isin(runs)]
        bootstrap_runs = judged if classifier == FINAL_CLASSIFIER else None
        return _threshold_set(scored, of_runs, rules, bootstrap_runs, seed)

    return TypeThresholds(
        final=fitted_on(folds.runs, FINAL_CLASSIFIER),
        folds=tuple(fitted_on(folds.training_runs(fold), fold) for fold in range(folds.number)),
    )


def _threshold_set(
    scored: pd.DataFrame,
    truth: pd.DataFrame,
    rules: ScoringRules,
    bootstrap_runs: Sequence[str] | None,
    seed: int | None,
) -> ThresholdSet:
    """Thresholds on the same runs; with intervals if ``bootstrap_runs`` says what to draw from."""

    def thresholds(stage: Stage) -> RuleThresholds:
        score_column, threshold_rules = SCORE_COLUMNS[stage], list(RULES[stage].values())
        final = suppressed(scored, score_column, rules.suppression_angstrom)
        curve = fbeta_curve(final, truth, rules.match_radius_angstrom, score_column, rules.beta)
        intervals: Sequence[tuple[float, float] | None] = [None] * len(threshold_rules)
        if bootstrap_runs and seed is not None:
            intervals = threshold_intervals(
                final, truth, bootstrap_runs, score_column, rules, threshold_rules, seed
            )
        values = [rule(curve) for rule in threshold_rules]
        found = [
            Threshold(value=value, fitted_fbeta=curve.fbeta_above(value), interval_95=interval)
            for value, interval in zip(values, intervals, strict=True)
        ]
        by_rule = dict(zip(RULES[stage], found, strict=True))
        return RuleThresholds(curve=by_rule["curve"], probability=by_rule["probability"])

    return ThresholdSet(stage1=thresholds("stage1"), two_stage=thresholds("two_stage"))


def tune_thresholds(
    config: PipelineConfig,
    folds_path: Path,
    truth_path: Path,
    out_of_fold_paths: Sequence[Path],
    nested_paths: Sequence[Path],
    merged_path: Path,
    thresholds_path: Path,
) -> Thresholds:
    """Merge the types' tables, tune all thresholds and write both.

    Raises
    ------
    InputError
        If a table is missing, damaged or of a type that the configuration does not know.
    """
    folds = Folds.read(folds_path)
    truth = TRUTH.read(truth_path)
    truth = truth[truth["run"].isin(folds.runs)]
    out_of_fold = pd.concat([OUT_OF_FOLD.read(path) for path in out_of_fold_paths])
    out_of_fold = out_of_fold.sort_values(SORTED_BY, ignore_index=True)
    nested = pd.concat([NESTED_SCORES.read(path) for path in nested_paths], ignore_index=True)
    rules = ScoringRules.from_config(config)
    unknown = sorted(set(out_of_fold["particle_type"]) - set(rules.weights))
    if unknown:
        raise InputError(
            ", ".join(str(path) for path in out_of_fold_paths),
            f"hold candidates of {', '.join(unknown)}, which the configuration does not know",
            "use the configuration that stage 2 was trained with",
        )
    thresholds = Thresholds(
        rule=config.stage2_rerank.threshold_rule,
        beta=rules.beta,
        types={
            name: tune_type(out_of_fold, nested, truth, folds, name, rules, config.seed)
            for name in rules.weights
        },
    )
    OUT_OF_FOLD.write(out_of_fold, merged_path)
    thresholds.write(thresholds_path)
    return thresholds


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command_parser(__doc__)
    parser.add_argument("--folds", type=Path, required=True, help="folds.json")
    parser.add_argument("--truth", type=Path, required=True, help="truth.csv of the training runs")
    parser.add_argument(
        "--types-out-of-fold",
        type=Path,
        nargs="+",
        required=True,
        metavar="FILE",
        help="out-of-fold table of every type",
    )
    parser.add_argument(
        "--types-nested",
        type=Path,
        nargs="+",
        required=True,
        metavar="FILE",
        help="nested scores of every type",
    )
    parser.add_argument("--out-of-fold", type=Path, required=True, help="merged table to write")
    parser.add_argument("--thresholds", type=Path, required=True, help="thresholds.json to write")
    arguments = parser.parse_args(argv)
    thresholds = tune_thresholds(
        resolve(load_config(arguments.config)),
        arguments.folds,
        arguments.truth,
        arguments.types_out_of_fold,
        arguments.types_nested,
        arguments.out_of_fold,
        arguments.thresholds,
    )
    for name, value in thresholds.final_values().items():
        print(f"{name}: kept above {value:.4f}")


if __name__ == "__main__":
    run_command(main)
