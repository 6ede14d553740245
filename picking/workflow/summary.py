"""The last words of a workflow that succeeded: where the answer is, and how good."""

from collections.abc import Set
from pathlib import Path

from picking.errors import InputError
from picking.workflow.plan import ResultPlan

DEFAULT_TARGET = "submission"


def summary_lines(plan: ResultPlan, targets: Set[str], since: float) -> list[str]:
    """Say where the answer is and, for the synthetic specimens, how good it is.

    Parameters
    ----------
    plan : ResultPlan
        The result that was made.
    targets : set of str
        What was asked for; nothing means the default target.
    since : float
        Start of the workflow, seconds since 1970: what is older is only named if it was asked for.
    """
    asked_for_answer = DEFAULT_TARGET in (targets or {DEFAULT_TARGET})
    files = {
        "submission": plan.folder / "submission.csv",
        "picks (copick overlay)": plan.folder / "picks" / "copick.json",
        "cross-validation report": plan.folder / "cv_report.html",
    }
    lines = [
        f"{meaning}: {path}"
        for meaning, path in files.items()
        if path.exists() and (asked_for_answer or path.stat().st_mtime >= since)
    ]
    if plan.is_synthetic and plan.runs.test and asked_for_answer:
        lines.append(_score_line(plan, files["submission"]))
    return lines


def print_summary(plan: ResultPlan, targets: Set[str], since: float) -> None:
    """Print the lines of :func:`summary_lines`."""
    print(*summary_lines(plan, targets, since), sep="\n")


def _score_line(plan: ResultPlan, submission: Path) -> str:
    """Score the submission against the truth of the synthetic test runs."""
    from picking.scoring.metric import score_files

    try:
        result = score_files(Path(plan.synthetic.truth), submission, plan.config)
    except InputError as error:
        return f"error: {error}"
    per_type = ", ".join(f"{name} {score.fbeta:.3f}" for name, score in result.per_type.items())
    return f"score on the synthetic test runs: {result.score:.4f} ({per_type})"
