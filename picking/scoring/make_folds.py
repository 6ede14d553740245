"""Part the training runs into folds for cross-validation.

The number of folds and the seed come from the configuration; the picks of every particle type are
spread evenly.
"""

from collections.abc import Sequence
from pathlib import Path

from picking.command_line import command_parser, run_command
from picking.config import load_config
from picking.files.tables import TRUTH
from picking.scoring.folds import make_folds


def write_folds(truth: Path, runs: Sequence[str], number: int, seed: int, output: Path) -> None:
    """Make the folds of ``runs`` from the picks in the table ``truth`` and write them as JSON.

    Raises
    ------
    InputError
        If the table cannot be read, or there are fewer than two runs.
    """
    make_folds(TRUTH.read(truth), runs, number, seed).write(output)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command_parser(__doc__)
    parser.add_argument("--truth", type=Path, required=True, help="table of the truth picks")
    parser.add_argument("--runs", nargs="+", required=True, help="training runs")
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write")
    arguments = parser.parse_args(argv)
    config = load_config(arguments.config)
    write_folds(arguments.truth, arguments.runs, config.folds.number, config.seed, arguments.output)


if __name__ == "__main__":
    run_command(main)
