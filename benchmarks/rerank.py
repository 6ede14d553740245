"""Measure what the second stage gains, and what it gains it from.

Give it folders of results that have features (`snakemake rerank`), best several seeds of one
configuration. Stage 2 is fitted again, nested and out of fold, for every variant of the questions
asked, on the same candidates, and compared with stage 1 alone at tuned thresholds and with the
default. Either stage is decided by the threshold rule that the configuration names. Scores are
means over the folders. Intervals are 95 %: over the runs if all folders share them, else over the
folders (see :mod:`benchmarks.paired_scores`).

    gain       the default against stage 1 alone, per type, and what oracles would reach
    controls   shuffled labels
    families   score alone, + handcrafted, + embedding, all; and all but one family
    budget     fewer candidates in a run
    forms      other forms of the learner; regularisation; bags

The last line is one JSON object with the figures of all tables.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

# Python searches this folder first; the rooms lie in the one above.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.paired_scores import (
    MixedFoldersError,
    compared,
    gain_by_folder,
    gain_by_run,
    gain_interval_over_runs,
    on_the_same_runs,
    over_runs_sentence,
    what_the_interval_holds,
)
from benchmarks.rerank_forms import FORMS
from benchmarks.rerank_variants import Judged, Variant, judge, read_results
from picking.config.features import ALL_FAMILIES

DEFAULT = Variant("default")
HANDCRAFTED = tuple(family for family in ALL_FAMILIES if family != "embedding")
BUDGET_SHARES = (0.25, 0.5, 0.75)
QUESTIONS: dict[str, tuple[Variant, ...]] = {
    "gain": (),
    "controls": (Variant("shuffled labels", shuffled=True),),
    "families": (
        Variant("score alone", families=()),
        Variant("+ handcrafted", families=HANDCRAFTED),
        Variant("+ embedding", families=("embedding",)),
        *(
            Variant(
                f"all but {family}", families=tuple(one for one in ALL_FAMILIES if one != family)
            )
            for family in ALL_FAMILIES
        ),
    ),
    "budget": tuple(
        Variant(f"{share:.0%} of the candidates", budget_share=share) for share in BUDGET_SHARES
    ),
    "forms": (
        *(Variant(name, form=name) for name in FORMS),
        Variant("linear L2 of 10", settings={"linear_l2": 10.0}),
        Variant("linear L2 of 100", settings={"linear_l2": 100.0}),
        Variant("no squares", settings={"square_l2": None}),
        Variant("all families alike", settings={"family_scales": dict.fromkeys(ALL_FAMILIES, 1.0)}),
        Variant("one bag", settings={"bags": 1}),
        Variant("a fifth of the features a tree", settings={"feature_fraction": 0.2}),
    ),
}


def judge_folder(folder: Path, variant: Variant) -> Judged:
    return judge(read_results(folder), variant)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", type=Path, nargs="+", help="folder(s) results/NAME")
    parser.add_argument("--ask", nargs="+", choices=list(QUESTIONS), default=["gain"])
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args(argv)
    results = [read_results(folder) for folder in arguments.results]
    rules = results[0].rules
    if any(of_folder.rules != rules for of_folder in results):
        parser.error("the folders are scored by different particle types, radii or weights")
    try:
        same_runs = on_the_same_runs([of_folder.truth for of_folder in results])
    except MixedFoldersError as error:
        parser.error(str(error))
    asked = [DEFAULT, *(variant for question in arguments.ask for variant in QUESTIONS[question])]
    jobs = [(folder, variant) for variant in asked for folder in arguments.results]
    judged: dict[str, list[Judged]] = {variant.name: [] for variant in asked}
    with ProcessPoolExecutor(arguments.processes) as pool:
        done = pool.map(judge_folder, *zip(*jobs, strict=True))
        for (_, variant), answer in zip(jobs, tqdm(done, total=len(jobs)), strict=True):
            judged[variant.name].append(answer)

    default = judged[DEFAULT.name]
    pair = ([item.two_stage for item in default], [item.stage1 for item in default])
    gain = compared(same_runs, *pair, rules.weights, rules.beta)
    print(f"\n## Both stages against stage 1 alone, {len(results)} folders\n")
    print("| | references | stage 1 | both | gain | in folders | best thresholds | best ranking |")
    print("|---|---|---|---|---|---|---|---|")
    weight = np.array([rules.weights[name] for name in gain.index[1:]])
    for name, row in gain.iterrows():
        references = [
            len(of_folder.truth)
            if name == "score"
            else int((of_folder.truth["particle_type"] == name).sum())
            for of_folder in results
        ]
        oracles = []
        for attribute in ("best_thresholds", "best_ranking"):
            values = np.mean(
                [list(getattr(item, attribute).values()) for item in default], axis=0
            )  # (T,)
            by_type = dict(zip(gain.index[1:], values, strict=True))
            by_type["score"] = float(values @ weight / weight.sum())
            oracles.append(by_type[name])
        print(
            f"| {name} | {sum(references)} | {row['baseline']:.3f} | {row['value']:.3f} |"
            f" {row['gain']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f}) |"
            f" {row['folders_up']:.0f} of {len(results)} | {oracles[0]:.3f} | {oracles[1]:.3f} |"
        )
    figures = {"gain": gain.round(4).to_dict("index")}
    print(
        f"\nThresholds by {default[0].rule}. "
        + what_the_interval_holds(same_runs, len(results), len(default[0].two_stage.runs))
    )
    by_folder = gain_by_folder(*pair, rules.weights, rules.beta)
    figures["gain_by_folder"] = dict(zip(map(str, arguments.results), by_folder, strict=True))
    print("\nGain by folder: " + ", ".join(f"{value:+.3f}" for value in by_folder))
    if not same_runs:
        over_runs = gain_interval_over_runs(*pair, rules.weights, rules.beta)
        figures["gain_over_runs_95"] = over_runs
        print(f"\nThe same gain, {over_runs_sentence(over_runs, len(results))}")
    else:
        by_run = gain_by_run(*pair, rules.weights, rules.beta)
        figures["gain_by_run"] = by_run
        print(
            "\nGain of each run's own score, mean over the folders: "
            + ", ".join(f"{run} {value:+.3f}" for run, value in by_run.items())
        )
    figures["by_rule"] = {}
    print("\n| rule for both stages | stage 1 | both | gain | by folder |\n|---|---|---|---|---|")
    for rule in default[0].by_rule:
        two_stage, stage1 = (
            [item.by_rule[rule][stage] for item in default] for stage in ("two_stage", "stage1")
        )
        row = compared(same_runs, two_stage, stage1, rules.weights, rules.beta).loc["score"]
        by_folder = gain_by_folder(two_stage, stage1, rules.weights, rules.beta)
        figures["by_rule"][rule] = row.round(4).to_dict() | {"by_folder": by_folder}
        print(
            f"| {rule} | {row['baseline']:.3f} | {row['value']:.3f} | {row['gain']:+.3f}"
            f" ({row['low']:+.3f} to {row['high']:+.3f}) |"
            f" {', '.join(f'{value:+.3f}' for value in by_folder)} |"
        )
    for question in arguments.ask:
        if not QUESTIONS[question]:
            continue
        figures[question] = {}
        print(f"\n## {question}\n")
        print("| variant | stage 1 | both | gain on stage 1 | against the default |")
        print("|---|---|---|---|---|")
        for variant in (DEFAULT, *QUESTIONS[question]):
            ours = [item.two_stage for item in judged[variant.name]]
            columns = []
            stage1 = [item.stage1 for item in judged[variant.name]]
            for counts in (stage1, [item.two_stage for item in default]):
                columns.append(
                    compared(same_runs, ours, counts, rules.weights, rules.beta).loc["score"]
                )
            cells = [
                f"{row['gain']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})" for row in columns
            ]
            print(
                f"| {variant.name} | {columns[0]['baseline']:.3f} | {columns[0]['value']:.3f} |"
                f" {cells[0]} | {cells[1] if variant is not DEFAULT else ''} |"
            )
            figures[question][variant.name] = columns[0].round(4).to_dict()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
