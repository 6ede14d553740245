"""Put the models of a bundle at their places in a result, each only if it is what was bundled.

BUNDLE is a folder or a zip file. What it holds is written to RESULTS, where a training would have
written it, so that everything after it is done as if the models had been trained there.
"""

from collections.abc import Sequence
from pathlib import Path

from picking.bundle.open_bundle import open_bundle
from picking.command_line import command_parser, run_command


def take_bundle(path: Path, results: Path) -> None:
    """Copy a bundle's files into a result.

    Parameters
    ----------
    path : Path
        The bundle.
    results : Path
        Folder of the result.

    Raises
    ------
    InputError
        If the bundle cannot be read, or a file is not the one that the manifest lists.
    """
    with open_bundle(path) as bundle:
        for name in bundle.manifest.result_files:
            bundle.copy(name, results / name)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command_parser(__doc__, with_config=False)
    parser.add_argument("bundle", type=Path, help="folder or zip file")
    parser.add_argument("--results", type=Path, required=True, help="folder of the result")
    arguments = parser.parse_args(argv)
    take_bundle(arguments.bundle, arguments.results)


if __name__ == "__main__":
    run_command(main)
