"""The last words of a workflow that failed: what a person has to fix."""

import atexit
import re
import sys
from pathlib import Path

from picking.workflow.plan import ResultPlan

# A command's last word; it may come right after a progress bar, which ends with "]".
ERROR_LINE = re.compile(r"(?:^|\])(error: .*)$")


def failure_reasons(logs: Path, since: float) -> list[str]:
    """Collect what the logs of failed jobs say, each reason once.

    Parameters
    ----------
    logs : Path
        Folder of the result's logs.
    since : float
        Start of the workflow, seconds since 1970: older logs are of earlier calls.

    Returns
    -------
    list of str
        Lines that begin with "error: ".
    """
    reasons: list[str] = []
    for log in sorted(Path(logs).rglob("*.txt")):
        if log.stat().st_mtime < since:
            continue
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        said = [found.group(1) for line in lines if (found := ERROR_LINE.search(line))]
        if not said and any(line.startswith("Traceback (most recent") for line in lines):
            last = [line for line in lines if line.strip()][-1]
            said = [f"error: {last} (a bug or the machine; all of it: {log})"]
        reasons += [line for line in said if line not in reasons]
    return reasons or [f"error: a job failed without a word; the logs are in {logs}"]


def explain_at_exit(plan: ResultPlan, since: float) -> None:
    """Have the reasons printed when Snakemake has said all that it says itself."""
    # Absolute: at the very end Snakemake has left the folder that --directory named.
    logs = plan.folder.absolute() / "logs"
    atexit.register(
        lambda: print("", *failure_reasons(logs, since), sep="\n", file=sys.stderr, flush=True)
    )
