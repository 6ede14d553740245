"""Split the labelled runs of a data set: a few to learn from, the others to be judged on.

    python benchmarks/few_runs.py DATASET data/few --runs 2 --seed 0
    snakemake --cores 8 submission --config dataset=data/few name=few
    python benchmarks/test_truth.py results/few data/few-truth.csv

DATASET is a folder in Kaggle's layout, which is only linked to. The runs to learn from are drawn
from the seed; those for 2 are among those for 4. `--judged N` keeps N runs for judging, the same
for every number of runs to learn from.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

# Python searches this folder first; the rooms lie in the one above.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from picking.data_in.other_types import picks_files
from picking.synthetic.kaggle_writer import picks_folder, static_folder
from picking.synthetic.truth_table import TRUTH_COLUMNS, write_truth


def draw_runs(
    runs: Sequence[str], number: int, judged: int, seed: int
) -> tuple[list[str], list[str]]:
    """Draw the runs to learn from and those to be judged on; disjoint, and sorted."""
    if number + judged > len(runs):
        raise SystemExit(f"{number} and {judged} runs are more than the {len(runs)} that there are")
    order = np.random.default_rng(seed).permutation(sorted(runs))
    learnt_from = [str(run) for run in order[:number]]
    rest = [str(run) for run in order[number:]]
    return sorted(learnt_from), sorted(rest[len(rest) - judged :] if judged else rest)


def truth_of(dataset: Path, runs: Sequence[str]) -> pd.DataFrame:
    """Tabulate the picks of some runs in the columns of a submission, positions xyz in Å."""
    rows = []
    for run in runs:
        for path in picks_files(picks_folder(dataset, run)):
            content = json.loads(path.read_text(encoding="utf-8"))
            for point in content["points"]:
                place = point["location"]
                rows.append(
                    (run, content["pickable_object_name"], place["x"], place["y"], place["z"])
                )
    return pd.DataFrame(rows, columns=list(TRUTH_COLUMNS))


def link(target: Path, source: Path) -> None:
    """Link to a folder of the data set."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(source.resolve(), target_is_directory=True)


def split(dataset: Path, folder: Path, number: int, judged: int, seed: int) -> None:
    """Write the split data set, and FOLDER-truth.csv with the picks of the judged runs."""
    runs = [path.name for path in static_folder(dataset, "train", "run").parent.iterdir()]
    learnt_from, judged_on = draw_runs(runs, number, judged, seed)
    for run in learnt_from:
        link(static_folder(folder, "train", run), static_folder(dataset, "train", run))
        link(picks_folder(folder, run), picks_folder(dataset, run))
    for run in judged_on:
        link(static_folder(folder, "test", run), static_folder(dataset, "train", run))
    write_truth(folder.with_name(f"{folder.name}-truth.csv"), truth_of(dataset, judged_on))
    print(f"to learn from: {', '.join(learnt_from)}; judged: {', '.join(judged_on)}")


def main(argv: Sequence[str] | None = None) -> None:
    """Read the arguments and split."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset", type=Path, help="folder in Kaggle's layout")
    parser.add_argument("folder", type=Path, help="where to write the split data set")
    parser.add_argument("--runs", type=int, required=True, help="runs to learn from")
    parser.add_argument("--judged", type=int, default=0, help="judged runs; 0: all others")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(argv)
    split(arguments.dataset, arguments.folder, arguments.runs, arguments.judged, arguments.seed)


if __name__ == "__main__":
    main()
