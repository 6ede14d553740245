"""Measure how far judged labels reach stage 2 through other folds' networks and averages.

    python benchmarks/pairwise_networks.py results/NAME WORK_FOLDER --cores 2

Stage 2 that judges fold k is fitted on the candidates of the other folds j. The network of fold j
proposed them, and it has learnt from fold k's labels. Here a network is trained for every pair of
folds (j, k), on the runs of neither, and proposes in the runs of both; features are measured, with
averages of the picks of neither. All of this is written to WORK_FOLDER (a few GB at full size),
each stage in a process of its own, with the settings of the finished result. What is done there is
not done again. The code has to be the one that made the result.

Then every fold k is judged anew, each time on the same candidates, those of the finished result in
fold k. Stage 2 and all thresholds are fitted on the candidates of the folds j that were proposed

    standard    by the network of fold j, as ever: it has seen k
    pair-wise   by the network of the pair (j, k): it has not seen k
    as weak     by the network of a pair (j, m): it has seen k, but as few folds as the pair-wise
                one. The mean over every choice of m.

What the figures hold. "as weak less pair-wise" is the labels' part alone, at equal strength of the
networks: that of networks which have learnt from a fold less, in as many epochs (on small data in
as many steps, of which there is a least number), and so may owe more to each run.
"standard less as weak" is the price of that weakness: stage 2 and the thresholds learn from
candidates that are less like those that they judge. "standard less pair-wise" is both together.

What they do not hold. Every network is trained once: the luck of a training is in the differences,
but not in their intervals, which are 95 %, t, from leaving out one judged run after the other (see
:mod:`benchmarks.paired_scores`). And what people chose by looking at all folds, such as features
and settings, has seen fold k in all three ways.

The last line is one JSON object: `scores` by way and rule, `differences` by rule and stage, `auc`
by way, type and stage.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

# Python searches this folder first; the rooms lie in the one above.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.pair_judging import (
    JudgedFolds,
    join_folds,
    judge_fold,
    networks_for,
    read_pairs,
    rows_for,
)
from benchmarks.pair_proposals import Pair, make_pairs, read_finished
from benchmarks.paired_scores import compared, what_the_interval_holds
from benchmarks.rerank_variants import Results, read_results
from picking.config.stage2_rerank import ThresholdRule
from picking.errors import InputError
from stage2_rerank.classifier.candidate_rows import CandidateRows
from stage2_rerank.thresholds.cross_validation import CountsByRun
from stage2_rerank.thresholds.threshold_file import STAGES, THRESHOLD_RULES, Stage

STANDARD, PAIRWISE, AS_WEAK = "standard", "pair-wise", "as weak"
DIFFERENCES = ((STANDARD, PAIRWISE), (AS_WEAK, PAIRWISE), (STANDARD, AS_WEAK))
STAGE_NAMES: dict[Stage, str] = {"stage1": "stage 1 alone", "two_stage": "both stages"}

# Every way to fit stage 2, judged on all folds; the weak one once for each choice of networks.
Judged = dict[str, list[JudgedFolds]]


def judge_all(results: Results, of_pairs: Mapping[Pair, CandidateRows], processes: int) -> Judged:
    """Judge every fold in every way."""
    number = results.folds.number
    turns: list[tuple[str, int | None]] = [(STANDARD, None), (PAIRWISE, 0)]
    turns += [(AS_WEAK, turn) for turn in range(1, number - 1)]
    jobs = [
        results.rows
        if turn is None
        else rows_for(results.rows, of_pairs, results.folds, fold, networks_for(number, fold, turn))
        for _, turn in turns
        for fold in range(number)
    ]
    folds = [fold for _ in turns for fold in range(number)]
    with ProcessPoolExecutor(processes) as pool:
        done = pool.map(judge_fold, [results] * len(jobs), jobs, folds)
        judged = list(tqdm(done, total=len(jobs), desc="stage 2", file=sys.stderr))
    ways: Judged = {STANDARD: [], PAIRWISE: [], AS_WEAK: []}
    for index, (way, _) in enumerate(turns):
        ways[way].append(join_folds(results, judged[index * number : (index + 1) * number]))
    return ways


def counts_of(judged: Judged, way: str, rule: ThresholdRule, stage: Stage) -> list[CountsByRun]:
    """Take the counts of a way, one for each choice of networks."""
    return [one.by_rule[rule][stage] for one in judged[way]]


def difference(
    results: Results, one: Sequence[CountsByRun], other: Sequence[CountsByRun]
) -> pd.DataFrame:
    """Compare two ways, the one with fewer choices of networks with each choice of the other."""
    choices = max(len(one), len(other))
    return compared(
        True,
        list(one) * (choices // len(one)),
        list(other) * (choices // len(other)),
        results.rules.weights,
        results.rules.beta,
    )


def print_scores(results: Results, judged: Judged) -> dict[str, object]:
    """Print both stages in every way; return the figures."""
    figures: dict[str, object] = {}
    for rule in THRESHOLD_RULES:
        print(f"\n## F-beta, thresholds by {rule}\n")
        tables = {
            way: difference(
                results, *(counts_of(judged, way, rule, stage) for stage in reversed(STAGES))
            )
            for way in judged
        }
        print("| | " + " | ".join(f"{way}: stage 1 | both | gain" for way in tables) + " |")
        print("|---|" + "---|---|---|" * len(tables))
        for name in tables[STANDARD].index:
            cells = (
                f"{row['baseline']:.3f} | {row['value']:.3f} | {row['gain']:+.3f}"
                for row in (table.loc[name] for table in tables.values())
            )
            print(f"| {name} | {' | '.join(cells)} |")
        figures[rule] = {way: table.round(4).to_dict("index") for way, table in tables.items()}
    return figures


def print_differences(results: Results, judged: Judged) -> dict[str, object]:
    """Print how far the ways differ, run by run; return the figures."""
    figures: dict[str, object] = {}
    for rule in THRESHOLD_RULES:
        of_rule: dict[str, object] = {}
        print(f"\n## Differences, thresholds by {rule}\n")
        tables = [
            difference(
                results,
                counts_of(judged, one, rule, stage),
                counts_of(judged, other, rule, stage),
            )
            for stage in STAGES
            for one, other in DIFFERENCES
        ]
        titles = [
            f"{STAGE_NAMES[stage]}: {one} less {other}"
            for stage in STAGES
            for one, other in DIFFERENCES
        ]
        print("| | " + " | ".join(titles) + " |")
        print("|---|" + "---|" * len(titles))
        for name in tables[0].index:
            rows = [table.loc[name] for table in tables]
            cells = [
                f"{row['gain']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})" for row in rows
            ]
            print(f"| {name} | {' | '.join(cells)} |")
        for title, table in zip(titles, tables, strict=True):
            of_rule[title] = table[["gain", "low", "high"]].round(4).to_dict("index")
        figures[rule] = of_rule
    runs = len(judged[STANDARD][0].by_rule[THRESHOLD_RULES[0]]["stage1"].runs)
    print("\n" + what_the_interval_holds(True, 1, runs))
    return figures


def print_auc(results: Results, judged: Judged) -> dict[str, dict[str, float | None]]:
    """Print how well the scores rank all judged candidates of a type; return the figures."""
    columns = {
        "stage 1": [one.auc["stage1"] for one in judged[STANDARD]],
        **{way: [one.auc["two_stage"] for one in ways] for way, ways in judged.items()},
    }
    print("\n## Area under the ROC curve of both stages' score\n")
    print("| | " + " | ".join(columns) + " |\n|---|" + "---|" * len(columns))
    figures: dict[str, dict[str, float | None]] = {}
    for name in results.rules.weights:
        means = {title: float(np.mean([one[name] for one in by])) for title, by in columns.items()}
        print(f"| {name} | " + " | ".join(f"{value:.4f}" for value in means.values()) + " |")
        # JSON knows no NaN.
        figures[name] = {
            title: None if np.isnan(value) else round(value, 5) for title, value in means.items()
        }
    return figures


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("result", type=Path, help="finished folder results/NAME")
    parser.add_argument("work", type=Path, metavar="work_folder", help="for the pairs; may be new")
    parser.add_argument("--cores", type=int, default=2)
    arguments = parser.parse_args(argv)
    try:
        make_pairs(read_finished(arguments.result), arguments.work.resolve(), arguments.cores)
        results = read_results(arguments.result)
        of_pairs = read_pairs(results, arguments.work)
    except InputError as error:
        parser.exit(2, f"error: {error}\n")
    judged = judge_all(results, of_pairs, arguments.cores)
    figures = {
        "result": results.name,
        "folds": results.folds.number,
        "scores": print_scores(results, judged),
        "differences": print_differences(results, judged),
        "auc": print_auc(results, judged),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
