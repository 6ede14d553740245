r"""Pick again from a finished result by another cut-off, and say what to expect; no stage runs.

    python -m stage2_rerank.pick_again results/NAME --precision 0.9 --output FOLDER
    python -m stage2_rerank.pick_again results/NAME --precision ribosome=0.95 \
        --number thyroglobulin=300 --output FOLDER

A value is for all particle types, TYPE=VALUE for one; types that are given none keep the result's
own threshold. Without --output the table is printed and nothing written. FOLDER gets
submission.csv, picks.csv (the same picks with their probabilities), picks/ (a copick overlay with
scores, and copick.json that opens it) and expected.csv, the printed table. Precision and recall to
expect are those of the training runs' out-of-fold candidates.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from picking.command_line import command_parser, run_command
from picking.errors import InputError
from picking.files.own_files import LIST_INSIDE, own_files
from picking.files.picks import write_picks
from picking.files.tables import PICKS, SUBMISSION
from stage2_rerank.compare.comparison_text import to_markdown
from stage2_rerank.finished_result import FinishedResult
from stage2_rerank.operating_point.operating_points import (
    OperatingPoint,
    expected_section,
    expected_table,
    pick_by_wishes,
)
from stage2_rerank.operating_point.wishes import WAYS, Wish, wishes_by_type
from stage2_rerank.submit import as_submission


def pick_again(
    result: FinishedResult, wishes: dict[str, Wish], output: Path | None
) -> tuple[OperatingPoint, ...]:
    """Pick by wishes, and write the picks as ``submit`` does.

    Parameters
    ----------
    result : FinishedResult
        What is read; nothing of it is changed.
    wishes : dict of str to Wish
        By particle type; others keep the result's threshold.
    output : Path or None
        Folder to write to; None to write nothing.

    Returns
    -------
    tuple of OperatingPoint
        By type, in the configuration's order.

    Raises
    ------
    InputError
        If a file is damaged or does not fit the others, or a person's file stands where one of
        ours has to.
    """
    if output is not None:
        _refuse_results_folder(output)
    own_thresholds = result.thresholds.final_values()
    lacking = sorted(set(result.rules.weights) - set(own_thresholds))
    if lacking:
        raise InputError(
            result.thresholds_file, f"has no threshold for {', '.join(lacking)}", "tune them again"
        )
    picks, points = pick_by_wishes(
        wishes,
        own_thresholds,
        result.scored(),
        result.out_of_fold(),
        result.truth(),
        result.rules,
    )
    if output is not None:
        _write(picks, points, result, output)
    return points


def _refuse_results_folder(output: Path) -> None:
    if (output / "thresholds.json").exists():
        raise InputError(output, "is a results folder", "give --output a folder of its own")
    if output.exists() and not output.is_dir():
        raise InputError(output, "is a file", "give --output a folder")


def _write(
    picks: pd.DataFrame,
    points: Sequence[OperatingPoint],
    result: FinishedResult,
    output: Path,
) -> None:
    with own_files(output, listing=output / LIST_INSIDE) as unfinished:
        SUBMISSION.write(as_submission(picks), unfinished / "submission.csv")
        PICKS.write(picks, unfinished / "picks.csv")
        expected_table(points).to_csv(unfinished / "expected.csv", index=False)
    overlay = output / "picks"
    write_picks(
        picks,
        overlay,
        overlay / "copick.json",
        result.config.known_particles,
        result.test_project,
        result.config.final_picks.user_id,
        result.config.final_picks.session_id,
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command_parser(__doc__, with_config=False)
    parser.add_argument("results", type=Path, metavar="results/NAME")
    explanations = {
        "probability": "keep what has a higher probability of being a particle",
        "precision": "share of right picks that is wanted",
        "number": "keep the best so many of each type, of all test runs together",
    }
    for way in WAYS:
        parser.add_argument(
            f"--{way}",
            nargs="+",
            action="extend",
            default=[],
            metavar="[TYPE=]VALUE",
            help=explanations[way],
        )
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="folder to write to")
    arguments = parser.parse_args(argv)
    result = FinishedResult(arguments.results)
    result.check()
    given = {way: getattr(arguments, way) for way in WAYS}
    wishes = wishes_by_type(given, list(result.rules.weights))
    points = pick_again(result, wishes, arguments.output)
    print(to_markdown([expected_section(points)]))
    for point in points:
        for note in point.notes:
            print(f"warning: {point.particle_type}: {note}", file=sys.stderr)
    if arguments.output is not None:
        print(f"\n{sum(point.picks for point in points)} picks: {arguments.output}/submission.csv")


if __name__ == "__main__":
    run_command(main)
