"""The edge between a shell and a command's ``main``: arguments, errors, exit status."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from picking.errors import InputError, refusals_for_people

EXIT_BAD_INPUT = 2


def command_parser(
    documentation: str | None, *, with_config: bool = True
) -> argparse.ArgumentParser:
    """Make a command's argument parser; its help is the module's docstring.

    Parameters
    ----------
    documentation : str or None
        The ``__doc__`` of the command's module.
    with_config : bool
        Whether the command takes ``--config FILE [FILE ...]``.

    Returns
    -------
    argparse.ArgumentParser
    """
    parser = argparse.ArgumentParser(
        description=documentation,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        # @FILE stands for the arguments in a file, one a line: a command line has its limits.
        fromfile_prefix_chars="@",
    )
    if with_config:
        parser.add_argument(
            "--config",
            nargs="+",
            type=Path,
            required=True,
            help="configuration file, or several that complete one another",
        )
    return parser


def run_command(main: Callable[[Sequence[str] | None], None]) -> None:
    """Run ``main`` on the shell's arguments and leave the process.

    An :class:`~picking.errors.InputError`, or what the file system refuses, becomes one line on
    standard error and exit status 2; any other exception is a bug and keeps its stack trace.
    """
    try:
        with refusals_for_people():
            main(None)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(EXIT_BAD_INPUT)
