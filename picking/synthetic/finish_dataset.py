"""Write what belongs to the synthetic data set as a whole: sample submission, joint truth."""

import sys
from collections.abc import Sequence
from pathlib import Path

from picking.command_line import command_parser, run_command
from picking.config import load_config
from picking.data_in.inventory import Split, kaggle_static
from picking.data_in.synthetic_names import run_names
from picking.files.copick_project import RUNS_FOLDER
from picking.files.whole_files import whole_path
from picking.synthetic.kaggle_writer import write_sample_submission
from picking.synthetic.truth_table import merge_truth, write_truth


def leftover_runs(
    dataset: Path, training_runs: Sequence[str], test_runs: Sequence[str]
) -> list[str]:
    """Name the runs in ``dataset`` that another seed or number of runs has left there, sorted."""
    leftover: set[str] = set()
    splits: tuple[tuple[Split, Sequence[str]], ...] = (
        ("train", training_runs),
        ("test", test_runs),
    )
    for split, runs in splits:
        folder = kaggle_static(dataset, split) / RUNS_FOLDER
        there = {item.name for item in folder.iterdir()} if folder.is_dir() else set()
        leftover |= {f"{split}/{run}" for run in there - set(runs)}
    return sorted(leftover)


def finish_dataset(
    test_runs: Sequence[str], dataset: Path, run_truths: Sequence[Path], truth: Path
) -> None:
    """Write ``sample_submission.csv`` and join the test runs' truth tables.

    Parameters
    ----------
    test_runs : sequence of str
        Names of the test runs.
    dataset : Path
        Root of the data set.
    run_truths : sequence of Path
        The runs' truth tables.
    truth : Path
        Where to write the joint table.
    """
    with whole_path(dataset / "sample_submission.csv") as unfinished:
        write_sample_submission(unfinished, test_runs)
    with whole_path(truth) as unfinished:
        write_truth(unfinished, merge_truth(run_truths))


def main(argv: Sequence[str] | None = None) -> None:
    """Read the arguments and finish the data set."""
    parser = command_parser(__doc__)
    parser.add_argument("--dataset", required=True, type=Path, help="root of the data set")
    parser.add_argument("--run-truths", nargs="*", type=Path, default=[], help="CSV of each run")
    parser.add_argument("--truth", required=True, type=Path, help="CSV file for all test runs")
    arguments = parser.parse_args(argv)
    config = load_config(arguments.config)
    training_runs, test_runs = run_names(config.synthetic, config.seed)
    finish_dataset(test_runs, arguments.dataset, arguments.run_truths, arguments.truth)
    leftover = leftover_runs(arguments.dataset, training_runs, test_runs)
    if leftover:
        print(
            f"{arguments.dataset} still holds runs of another seed or number of runs, which are "
            f"not used: {', '.join(leftover)}; remove them before you give the folder as dataset",
            file=sys.stderr,
        )


if __name__ == "__main__":
    run_command(main)
