"""The command line that the writers of picks for other software share."""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from picking.command_line import command_parser
from picking.config import PipelineConfig, load_config
from picking.data_in.inventory import resolve
from picking.files.whole_files import write_whole_text

# Writes from a table of picks and the copick project of their tomograms into a folder, and counts
# the picks by particle type.
Writer = Callable[[PipelineConfig, Path, Path, Path], dict[str, int]]


def run_writer(write: Writer, help_text: str | None, argv: Sequence[str] | None) -> None:
    """Read the arguments, write, and say how many picks there are.

    Parameters
    ----------
    write : callable
        Writes the files.
    help_text : str or None
        The command's docstring.
    argv : sequence of str or None
        Arguments; None: those of the command line.
    """
    parser = command_parser(help_text)
    parser.add_argument("--picks", type=Path, required=True, help="picks.csv")
    parser.add_argument("--copick", type=Path, required=True, help="copick project of the data")
    parser.add_argument("--output", type=Path, required=True, help="folder to write to")
    parser.add_argument("--record", type=Path, help="JSON file to write at the end: picks by type")
    arguments: argparse.Namespace = parser.parse_args(argv)
    config = resolve(load_config(arguments.config))
    numbers = write(config, arguments.picks, arguments.copick, arguments.output)
    if arguments.record is not None:
        write_whole_text(arguments.record, json.dumps(numbers, indent=2) + "\n")
    counted = ", ".join(f"{name} {number}" for name, number in numbers.items())
    print(f"{sum(numbers.values())} picks ({counted}): {arguments.output}")
