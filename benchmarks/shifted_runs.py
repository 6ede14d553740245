"""Make a pair of synthetic data sets: test runs imaged like the training runs, and shifted ones.

    python benchmarks/shifted_runs.py data/pair --seed 0
    snakemake --cores 8 submission --config dataset=data/pair/like name=like
    snakemake --cores 8 submission --config dataset=data/pair/shifted name=shifted
    python benchmarks/test_truth.py results/like data/pair/truth.csv
    python benchmarks/test_truth.py results/shifted data/pair/truth.csv

Both hold the same training runs, and test runs of the same specimens, so that one truth serves
both. Of the shifted ones, defocus and dose lie outside what the training runs have.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

# Python searches this folder first; the rooms lie in the one above.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from picking.config import load_config
from picking.config.synthetic import SyntheticSettings
from picking.data_in.inventory import Split
from picking.data_in.synthetic_names import run_names
from picking.synthetic.kaggle_writer import write_sample_submission
from picking.synthetic.make_run import make_run
from picking.synthetic.truth_table import merge_truth, write_truth

# Underfocus, µm, and electrons per Å² in a tilt; the default has 2.5 to 5.0 and 3.5.
LIKE = {"defocus_range_micrometre": (2.0, 3.0), "dose_per_tilt": 3.5}
SHIFTED = {"defocus_range_micrometre": (4.5, 6.0), "dose_per_tilt": 2.0}
TEST_SETTINGS = {"like": LIKE, "shifted": SHIFTED}

# Settings, run, split, data set and where to write the truth.
Job = tuple[SyntheticSettings, str, Split, Path, Path | None]


def jobs_of(settings: SyntheticSettings, seed: int, folder: Path) -> list[Job]:
    """List the runs to make; the training runs once, in the data set `like`."""
    training, test = run_names(settings, seed)
    as_trained = settings.model_copy(update=LIKE)
    jobs: list[Job] = [(as_trained, run, "train", folder / "like", None) for run in training]
    for name, changed in TEST_SETTINGS.items():
        imaged = settings.model_copy(update=changed)
        jobs += [
            (imaged, run, "test", folder / name, folder / "truth" / name / f"{run}.csv")
            for run in test
        ]
    return jobs


def make_pair(folder: Path, seed: int, config: Path, processes: int) -> None:
    """Write FOLDER/like and FOLDER/shifted in Kaggle's layout, and FOLDER/truth.csv."""
    settings = load_config([config]).synthetic
    jobs = jobs_of(settings, seed, folder)
    for name in TEST_SETTINGS:
        (folder / "truth" / name).mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(processes) as pool:
        made = [
            pool.submit(make_run, imaged, seed, run, split, dataset, truth, 1)
            for imaged, run, split, dataset, truth in jobs
        ]
        for job, one in zip(jobs, made, strict=True):
            one.result()
            print(f"made {job[3].name}: {job[2]} run {job[1]}", file=sys.stderr)
    shared = folder / "shifted" / "train"
    if not shared.exists():
        shared.symlink_to(Path("..") / "like" / "train", target_is_directory=True)
    _, test = run_names(settings, seed)
    truths = {
        name: merge_truth([folder / "truth" / name / f"{run}.csv" for run in test])
        for name in TEST_SETTINGS
    }
    if not truths["like"].equals(truths["shifted"]):
        raise SystemExit("the specimens of the two data sets differ")
    write_truth(folder / "truth.csv", truths["like"])
    for name in TEST_SETTINGS:
        write_sample_submission(folder / name / "sample_submission.csv", test)


def main(argv: Sequence[str] | None = None) -> None:
    """Read the arguments and make the pair."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where to write the two data sets")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--config", type=Path, default=Path("config/config.yaml"))
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args(argv)
    make_pair(arguments.folder, arguments.seed, arguments.config, arguments.processes)


if __name__ == "__main__":
    main()
