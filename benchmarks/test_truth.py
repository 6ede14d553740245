"""Judge finished results on the truth of their test runs, which nothing was tuned on.

Give pairs of a folder results/NAME and a CSV of its test runs' picks, in Kaggle's columns, best of
several seeds of one configuration:

    python benchmarks/test_truth.py results/a a-truth.csv results/b b-truth.csv

Prints, for both stages and either threshold rule, F-beta at the thresholds that the training runs
chose and at the best ones of the test runs; whether the probabilities of stage 2 are frequencies
in test runs, above all near the thresholds; and how far the cross-validation's estimates are from
the scores on the test runs. The last line is one JSON object with the figures of all tables.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import logit

# Python searches this folder first; the rooms lie in the one above.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.judged_result import (
    NEAR,
    JudgedResult,
    final_list,
    read_judged,
    reliability_table,
    score_of,
)
from benchmarks.paired_scores import (
    MixedFoldersError,
    compared,
    gain_by_folder,
    gain_by_run,
    gain_interval_over_runs,
    mean_fbeta,
    on_the_same_runs,
    over_runs_sentence,
    what_the_interval_holds,
)
from picking.config.stage2_rerank import ThresholdRule
from picking.errors import InputError
from picking.scoring.scoring_rules import ScoringRules
from stage2_rerank.classifier.calibration import fit_calibration, score_logit
from stage2_rerank.thresholds.cross_validation import CountsByRun
from stage2_rerank.thresholds.jackknife import DIFFERENCE_RANGE, mean_interval
from stage2_rerank.thresholds.threshold_file import STAGES, THRESHOLD_RULES, Stage


def with_interval(row: pd.Series) -> str:
    return f"{row['gain']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})"


def print_scores(results: Sequence[JudgedResult], same_runs: bool) -> dict:
    rules = results[0].rules
    types = list(rules.radius_angstrom)
    best = {
        stage: np.array([list(one.best_fbeta(stage).values()) for one in results])
        for stage in STAGES
    }  # (folders, T)
    best_score = {stage: score_of(best[stage], types, rules) for stage in STAGES}
    print("\n## Score on the test runs\n")
    print("| rule for both stages | stage 1 | both | gain | by folder | folders up |")
    print("|---|---|---|---|---|---|")
    figures: dict = {"rules": {}, "per_type": {}}
    by_type = {}
    over_runs = {}
    for rule in THRESHOLD_RULES:
        counts = {stage: [one.counts(rule, stage) for one in results] for stage in STAGES}
        pair = (counts["two_stage"], counts["stage1"])
        table = compared(same_runs, *pair, rules.weights, rules.beta)
        by_folder = gain_by_folder(*pair, rules.weights, rules.beta)
        by_type[rule] = counts
        row = table.loc["score"]
        print(
            f"| {rule} | {row['baseline']:.3f} | {row['value']:.3f} | {with_interval(row)} |"
            f" {', '.join(f'{value:+.3f}' for value in by_folder)} |"
            f" {row['folders_up']:.0f} of {len(results)} |"
        )
        figures["rules"][rule] = table.round(4).to_dict("index") | {"by_folder": by_folder}
        if same_runs:
            by_run = gain_by_run(*pair, rules.weights, rules.beta)
            figures["rules"][rule]["by_run"] = by_run
        else:
            over_runs[rule] = gain_interval_over_runs(*pair, rules.weights, rules.beta)
            figures["rules"][rule]["gain_over_runs_95"] = over_runs[rule]
    gains = best_score["two_stage"] - best_score["stage1"]
    print(
        f"| best thresholds | {best_score['stage1'].mean():.3f} |"
        f" {best_score['two_stage'].mean():.3f} | {gains.mean():+.3f} |"
        f" {', '.join(f'{value:+.3f}' for value in gains)} |"
        f" {int(np.sum(gains > 0))} of {len(results)} |"
    )
    figures["best_thresholds"] = {stage: best_score[stage].tolist() for stage in STAGES}
    runs = len(by_type[rule]["stage1"][0].runs)
    print("\n" + what_the_interval_holds(same_runs, len(results), runs))
    for rule, interval in over_runs.items():
        print(f"\nGain by {rule}, {over_runs_sentence(interval, len(results))}")
    if same_runs:
        by_run = figures["rules"][results[0].thresholds.rule]["by_run"]
        print(
            f"\nGain of each run's own score by {results[0].thresholds.rule}, mean over the "
            "folders: " + ", ".join(f"{run} {value:+.3f}" for run, value in by_run.items())
        )
    else:
        print_each_folder(results, by_type, rules)
    print("\n## By particle type: F-beta, mean over the folders\n")
    head = [f"{'stage 1' if stage == 'stage1' else 'both'}" for stage in STAGES]
    print(
        "| particle type | references | "
        + " | ".join(f"{stage}, {rule}" for stage in head for rule in (*THRESHOLD_RULES, "best"))
        + " |\n|---|---|---|---|---|---|---|---|"
    )
    for column, name in enumerate(types):
        cells = []
        for stage in STAGES:
            for rule in THRESHOLD_RULES:
                fbeta = mean_fbeta(by_type[rule][stage], rules.beta)[:, column]
                cells.append(float(fbeta.mean()))
            cells.append(float(best[stage][:, column].mean()))
        references = sum(int((one.truth["particle_type"] == name).sum()) for one in results)
        print(f"| {name} | {references} | {' | '.join(f'{cell:.3f}' for cell in cells)} |")
        figures["per_type"][name] = {"references": references, "fbeta": cells}
    return figures


def print_each_folder(
    results: Sequence[JudgedResult],
    counts: dict[ThresholdRule, dict[Stage, list[CountsByRun]]],
    rules: ScoringRules,
) -> None:
    """Print every folder's own gain, its interval over its test runs alone, and those ahead."""
    head = [f"{rule} | runs ahead, behind" for rule in THRESHOLD_RULES]
    print("\n| folder, interval over its own test runs | " + " | ".join(head) + " |")
    print("|---|" + "---|---|" * len(THRESHOLD_RULES))
    for folder, one in enumerate(results):
        cells = []
        for rule in THRESHOLD_RULES:
            pair = [[counts[rule][stage][folder]] for stage in ("two_stage", "stage1")]
            arguments = (*pair, rules.weights, rules.beta)
            gains = np.array(list(gain_by_run(*arguments).values()))
            cells += [
                with_interval(compared(True, *arguments).loc["score"]),
                f"{np.sum(gains > 0)}, {np.sum(gains < 0)}",
            ]
        print(f"| {one.name} | {' | '.join(cells)} |")


def print_reliability(results: Sequence[JudgedResult]) -> dict:
    """Print predicted and true frequency, out of fold and on test runs, folders pooled."""
    sides: dict[str, list[pd.DataFrame]] = {"out of fold": [], "test": []}
    for number, one in enumerate(results):
        for side, candidates, truth in (
            ("out of fold", one.out_of_fold, one.training_truth),
            ("test", one.scored, one.truth),
        ):
            rows = final_list(candidates, truth, one.thresholds, one.rules)
            # Of two folders, runs of one name may be others.
            sides[side].append(rows.assign(run=f"{number}/" + rows["run"].astype(str)))
    tables = {side: reliability_table(pd.concat(parts)) for side, parts in sides.items()}
    print("\n## Probabilities of stage 2: predicted and true frequency\n")
    print(
        f"Final candidates, duplicates suppressed, all folders pooled. Near t: within a factor of "
        f"{NEAR:g} of the type's threshold by probability. Intervals: t over the runs "
        "(jackknife), candidates as scored.\n"
    )
    print(
        "| probability | out of fold: candidates | predicted | true |"
        " test: candidates | predicted | true |\n|---|---|---|---|---|---|---|"
    )
    for name in dict.fromkeys(name for table in tables.values() for name in table):
        cells = []
        for table in tables.values():
            row = table.get(name)
            cells += (
                ["0", "", ""]
                if row is None
                else [
                    str(row["candidates"]),
                    f"{row['predicted']:.3f}",
                    "{:.3f} ({:.3f} to {:.3f})".format(row["true"], *row["true_interval_95"]),
                ]
            )
        print(f"| {name} | {' | '.join(cells)} |")
    figures: dict = {"bins": tables, "calibration": {}}
    for side, parts in sides.items():
        rows = pd.concat(parts)
        fitted = fit_calibration(score_logit(rows["probability"]), rows["hit"].to_numpy())
        figures["calibration"][side] = fitted.model_dump()
        print(
            f"\n{side}: true log odds = {fitted.slope:.2f} * predicted {fitted.intercept:+.2f}"
            f" (calibrated: 1 and 0); at 0.05 that is"
            f" {float(fitted.probability(np.array([logit(0.05)]))[0]):.3f}."
        )
    return figures


def print_estimates(results: Sequence[JudgedResult]) -> dict:
    """Print the cross-validation's estimates beside the scores on test runs."""
    print("\n## The cross-validation's estimate and the score on the test runs\n")
    print("| stage, rule | by folder: estimate → test | test less estimate, mean |")
    print("|---|---|---|")
    figures = {}
    rules = results[0].rules
    types = list(rules.radius_angstrom)
    for stage in STAGES:
        for rule in THRESHOLD_RULES:
            estimate, test = (
                score_of(mean_fbeta(counts, rules.beta), types, rules)
                for counts in (
                    [one.nested_counts(rule, stage) for one in results],
                    [one.counts(rule, stage) for one in results],
                )
            )
            low, high = mean_interval(test - estimate, DIFFERENCE_RANGE)
            cells = [f"{a:.3f} → {b:.3f}" for a, b in zip(estimate, test, strict=True)]
            label = "stage 1" if stage == "stage1" else "both"
            print(
                f"| {label}, {rule} | {', '.join(cells)} | {np.mean(test - estimate):+.3f}"
                f" ({low:+.3f} to {high:+.3f}) |"
            )
            figures[f"{stage} {rule}"] = {"estimate": estimate.tolist(), "test": test.tolist()}
    print(
        f"\nIntervals: 95 %, t over {len(results)} folders with {len(results) - 1} degrees of "
        "freedom; where all folders are judged on the same runs, the luck of these is not in it."
    )
    return figures


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "pairs", type=Path, nargs="+", metavar="RESULT TRUTH.csv", help="results/NAME and its truth"
    )
    arguments = parser.parse_args(argv)
    if len(arguments.pairs) % 2:
        parser.error("give pairs: each folder of results and then the truth of its test runs")
    try:
        results = [
            read_judged(folder, truth)
            for folder, truth in zip(arguments.pairs[::2], arguments.pairs[1::2], strict=True)
        ]
        same_runs = on_the_same_runs([one.truth for one in results])
    except (InputError, MixedFoldersError) as error:
        parser.error(str(error))
    if any(one.rules != results[0].rules for one in results):
        parser.error("the folders are scored by different particle types, radii or weights")
    figures = {
        "scores": print_scores(results, same_runs),
        "reliability": print_reliability(results),
        "estimates": print_estimates(results),
    }
    print("\n" + json.dumps(figures))


if __name__ == "__main__":
    main()
