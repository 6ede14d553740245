"""The last words of a workflow that succeeded: where the answer is, and how good."""

from collections.abc import Mapping, Set
from pathlib import Path

from picking.errors import InputError
from picking.files.tables import FAILED_RUNS
from picking.workflow.plan import ResultPlan

DEFAULT_TARGET = "submission"
PICKING_TARGETS = {DEFAULT_TARGET, "picks"}
# Made for a target of their own alone: beside a new answer they may be those of the one before.
ON_REQUEST = {
    "picks for RELION": "picks_star",
    "picks for Dynamo": "picks_dynamo",
}


def answer_files(plan: ResultPlan) -> dict[str, Path]:
    """Files and folders that a person looks for, by what they are."""
    return {
        "submission": plan.folder / "submission.csv",
        "picks (table)": plan.folder / "picks.csv",
        "picks (copick overlay)": plan.folder / "picks" / "copick.json",
        "cross-validation report": plan.folder / "cv_report.html",
        "page of the picks": plan.folder / "picks_report.html",
        "model bundle": plan.folder / "bundle.zip",
        **{meaning: plan.folder / name for meaning, name in ON_REQUEST.items()},
    }


def answer_times(plan: ResultPlan) -> dict[str, int]:
    """Note when each answer that is there was last changed, nanoseconds."""
    return {
        meaning: path.stat().st_mtime_ns
        for meaning, path in answer_files(plan).items()
        if path.exists()
    }


def summary_lines(plan: ResultPlan, targets: Set[str], before: Mapping[str, int]) -> list[str]:
    """Say where the answer is and, for the synthetic specimens, how good it is.

    Parameters
    ----------
    plan : ResultPlan
        The result that was made.
    targets : set of str
        What was asked for; nothing means the default target.
    before : mapping of str to int
        What :func:`answer_times` said at the start: what is as old is only named if it was asked
        for.
    """
    asked_for_answer = not PICKING_TARGETS.isdisjoint(targets or {DEFAULT_TARGET})
    files = answer_files(plan)
    lines = [
        f"{meaning}: {files[meaning]}"
        for meaning, changed in answer_times(plan).items()
        if (asked_for_answer and meaning not in ON_REQUEST) or before.get(meaning) != changed
    ]
    failed = plan.folder / "failed_runs.csv"
    if asked_for_answer and failed.exists() and (number := len(FAILED_RUNS.read(failed))):
        lines.append(f"{number} of {len(plan.runs.test)} runs could not be picked: {failed}")
    scored = plan.is_synthetic and plan.runs.test and files["submission"].exists()
    if scored and asked_for_answer:
        lines.append(_score_line(plan, files["submission"]))
    return lines


def print_summary(plan: ResultPlan, targets: Set[str], before: Mapping[str, int]) -> None:
    """Print the lines of :func:`summary_lines`."""
    print(*summary_lines(plan, targets, before), sep="\n")


def _score_line(plan: ResultPlan, submission: Path) -> str:
    """Score the submission against the truth of the synthetic test runs."""
    from picking.scoring.metric import score_files

    try:
        result = score_files(Path(plan.synthetic.truth), submission, plan.config)
    except InputError as error:
        return f"error: {error}"
    per_type = ", ".join(f"{name} {score.fbeta:.3f}" for name, score in result.per_type.items())
    return f"score on the synthetic test runs: {result.score:.4f} ({per_type})"
