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
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logit

# Python searches this folder first; the rooms lie in the one above.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

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
from picking.config import PipelineConfig, load_config
from picking.config.stage2_rerank import ThresholdRule
from picking.data_in.inventory import resolve
from picking.errors import InputError
from picking.files.tables import (
    OUT_OF_FOLD,
    POSITION_COLUMNS,
    SCORED_CANDIDATES,
    TRUTH,
    read_csv_exactly,
)
from picking.scoring.folds import Folds
from picking.scoring.metric import TEXT_COLUMNS
from picking.scoring.scoring_rules import ScoringRules
from picking.scoring.truth_matching import new_hits
from stage2_rerank.classifier.calibration import fit_calibration, score_logit
from stage2_rerank.thresholds.cross_validation import (
    CountsByRun,
    counts_by_run,
    each_run_left_out,
    nested_picks,
)
from stage2_rerank.thresholds.final_curve import final_curve
from stage2_rerank.thresholds.final_picks import final_picks, suppressed
from stage2_rerank.thresholds.jackknife import (
    DIFFERENCE_RANGE,
    SCORE_RANGE,
    jackknife_interval,
    mean_interval,
)
from stage2_rerank.thresholds.reliability import BIN_EDGES
from stage2_rerank.thresholds.threshold_file import (
    SCORE_COLUMNS,
    STAGES,
    THRESHOLD_RULES,
    Stage,
    Thresholds,
)

SETTINGS = ("data", "scoring", "stage2_decision")
# Near a threshold is what lies within this factor of it: there decisions fall.
NEAR = 2.0


@dataclass(frozen=True)
class JudgedResult:
    """One finished result and the truth of its test runs."""

    name: str
    config: PipelineConfig
    folds: Folds
    thresholds: Thresholds
    out_of_fold: pd.DataFrame
    training_truth: pd.DataFrame
    scored: pd.DataFrame
    truth: pd.DataFrame

    @property
    def rules(self) -> ScoringRules:
        """Types, radii and weights."""
        return ScoringRules.from_config(self.config)

    def counts(self, rule: ThresholdRule, stage: Stage) -> CountsByRun:
        """Count what the thresholds of all training runs find in the test runs."""
        thresholds = self.thresholds.model_copy(update={"rule": rule})
        picks = final_picks(
            self.scored,
            SCORE_COLUMNS[stage],
            self.rules.suppression_angstrom,
            thresholds.final_values(stage),
        )
        return counts_by_run(self.truth, picks, self.rules)

    def nested_counts(self, rule: ThresholdRule, stage: Stage) -> CountsByRun:
        """Count what the cross-validation found in the training runs."""
        thresholds = self.thresholds.model_copy(update={"rule": rule})
        picks = nested_picks(self.out_of_fold, self.folds, thresholds, stage, self.rules)
        return counts_by_run(self.training_truth, picks, self.rules)

    def best_fbeta(self, stage: Stage) -> dict[str, float]:
        """Find F-beta of every type at the best threshold of the test runs."""
        return {
            name: final_curve(
                self.scored, self.truth, name, SCORE_COLUMNS[stage], self.rules
            ).best_fbeta
            for name in self.rules.weights
        }


def read_judged(folder: Path, truth_csv: Path) -> JudgedResult:
    config = resolve(load_config([folder / "settings" / f"{part}.yaml" for part in SETTINGS]))
    folds = Folds.read(folder / "folds.json")
    training_truth = TRUTH.read(folder / "truth.csv")
    truth = read_csv_exactly(truth_csv, TEXT_COLUMNS, POSITION_COLUMNS)
    truth = truth.rename(columns={"experiment": "run"})[["run", "particle_type", *POSITION_COLUMNS]]
    scored = SCORED_CANDIDATES.read(folder / "scored_test.parquet")
    seen = sorted(set(truth["run"]).intersection(folds.runs))
    if seen:
        raise InputError(
            truth_csv,
            f"holds training runs of {folder}: {', '.join(seen)}",
            "give the truth of runs that no model has learnt from",
        )
    unpicked = sorted(set(truth["run"]).difference(scored["run"]))
    if unpicked:
        raise InputError(
            truth_csv,
            f"holds runs that are no test runs of {folder}: {', '.join(unpicked)}",
            "give each result the truth of its own test runs",
        )
    return JudgedResult(
        folder.name,
        config,
        folds,
        Thresholds.read(folder / "thresholds.json"),
        OUT_OF_FOLD.read(folder / "out_of_fold.parquet"),
        training_truth[training_truth["run"].isin(folds.runs)].reset_index(drop=True),
        scored[scored["run"].isin(set(truth["run"]))].reset_index(drop=True),
        truth,
    )


def final_list(
    candidates: pd.DataFrame, truth: pd.DataFrame, thresholds: Thresholds, rules: ScoringRules
) -> pd.DataFrame:
    """Deduplicated candidates of judged runs with their probability, whether they hit, and t.

    Returns
    -------
    DataFrame
        Columns run, particle_type, probability, hit and threshold (by probability).
    """
    judged = candidates[candidates["run"].isin(truth["run"])]
    final = suppressed(judged, "rerank_score", rules.suppression_angstrom)
    by_probability = thresholds.model_copy(update={"rule": "probability"}).final_values()
    hits = new_hits(final, truth, rules.match_radius_angstrom, "rerank_score") > 0
    return pd.DataFrame(
        {
            "run": final["run"],
            "particle_type": final["particle_type"],
            "probability": final["rerank_score"].to_numpy(np.float64),
            "hit": hits,
            "threshold": final["particle_type"].map(by_probability).to_numpy(np.float64),
        }
    )


def frequency(rows: pd.DataFrame) -> dict[str, float | int | tuple[float, float]]:
    """Mean probability and frequency of hits of some rows, with an interval over their runs."""
    runs, of_run = np.unique(rows["run"].to_numpy(dtype=str), return_inverse=True)
    hits = np.bincount(of_run, rows["hit"].to_numpy(np.float64), len(runs))
    number = np.bincount(of_run, minlength=len(runs))
    interval = SCORE_RANGE
    if len(runs) > 1:
        left_out = each_run_left_out(len(runs))[1:]
        interval = jackknife_interval(
            hits.sum() / number.sum(), (left_out @ hits) / (left_out @ number), SCORE_RANGE
        )
    return {
        "candidates": len(rows),
        "predicted": float(rows["probability"].mean()),
        "true": float(rows["hit"].mean()),
        "true_interval_95": interval,
    }


def reliability_table(rows: pd.DataFrame) -> dict[str, dict]:
    """Near the thresholds, by type and together, then in bins of the probability."""
    probability = rows["probability"].to_numpy()
    threshold = rows["threshold"].to_numpy()
    near = rows[(probability > threshold / NEAR) & (probability <= threshold * NEAR)]
    parts = {f"near t, {name}": part for name, part in near.groupby("particle_type")}
    parts["near t, all types"] = near
    for low, high in pairwise(BIN_EDGES):
        parts[f"{low:g} to {high:g}"] = rows[(probability > low) & (probability <= high)]
    return {name: frequency(part) for name, part in parts.items() if len(part)}


def score_of(
    fbeta: NDArray[np.float64], types: Sequence[str], rules: ScoringRules
) -> NDArray[np.float64]:
    """Score, (...), of F-beta by type, (..., T)."""
    weight = np.array([rules.weights[name] for name in types])
    return fbeta @ weight / weight.sum()


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
