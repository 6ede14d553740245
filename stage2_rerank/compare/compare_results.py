"""Compare results folders: their cross-validation scores, and the settings that differ.

    python -m stage2_rerank.compare results/A results/B [--markdown FILE] [--html FILE]

Prints tables in Markdown. A folder without a readable cv_report.json is listed with the reason.
"""

from collections.abc import Sequence
from pathlib import Path

from picking.command_line import command_parser
from picking.errors import InputError
from picking.files.whole_files import write_whole_text
from stage2_rerank.compare.comparison import Comparison, compare_folders
from stage2_rerank.compare.comparison_text import sections, to_html, to_markdown


def write_comparison(
    folders: Sequence[Path], markdown: Path | None = None, html: Path | None = None
) -> Comparison:
    """Compare results folders, print what was found and write it.

    Parameters
    ----------
    folders : sequence of Path
        ``results/NAME``; one that is given twice counts once.
    markdown, html : Path or None
        Where to write; None to write no such file.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If there is no folder.
    """
    if not folders:
        raise InputError(
            "results", "there is no folder to compare", "make a report first: snakemake cv_report"
        )
    comparison = compare_folders(list(dict.fromkeys(map(Path, folders))))
    tables = sections(comparison)
    text = to_markdown(tables)
    print(text)
    if markdown is not None:
        write_whole_text(markdown, f"# Comparison of results\n\n{text}\n")
    if html is not None:
        write_whole_text(html, to_html(tables))
    return comparison


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command_parser(__doc__, with_config=False)
    parser.add_argument("folders", type=Path, nargs="*", metavar="results/NAME")
    parser.add_argument("--markdown", type=Path, help="file to write the tables to as well")
    parser.add_argument("--html", type=Path, help="page to write")
    arguments = parser.parse_args(argv)
    write_comparison(arguments.folders, arguments.markdown, arguments.html)
