"""The last words of a workflow that failed: what a person has to fix."""

import atexit
import re
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile

from picking.workflow.plan import ResultPlan

# A command's last word; it may come right after a progress bar, which ends with "]".
ERROR_LINE = re.compile(r"(?:^|\])(error: .*)$")
# Clocks of a file server and of this machine may differ by so much without harm, seconds.
CLOCK_TOLERANCE = 2.0

# Time of the last change of each log, nanoseconds.
LogTimes = Mapping[Path, int]


def log_times(logs: Path) -> dict[Path, int]:
    """Note when each log was last changed, to know later which have been written since.

    Times are only compared with others of the same file server, whose clock may be off.
    """
    return {path: path.stat().st_mtime_ns for path in Path(logs).rglob("*.txt")}


def failure_reasons(logs: Path, before: LogTimes) -> list[str]:
    """Collect what the logs that have been written since say, each reason once.

    Parameters
    ----------
    logs : Path
        Folder of the result's logs.
    before : mapping of Path to int
        What :func:`log_times` said at the start: logs that are as old are of earlier calls.

    Returns
    -------
    list of str
        Lines that begin with "error: ".
    """
    reasons: list[str] = []
    for log, changed in sorted(log_times(logs).items()):
        if before.get(log) == changed:
            continue
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        said = [found.group(1) for line in lines if (found := ERROR_LINE.search(line))]
        if not said and any(line.startswith("Traceback (most recent") for line in lines):
            last = [line for line in lines if line.strip()][-1]
            said = [f"error: {last} (a bug or the machine; all of it: {log})"]
        reasons += [line for line in said if line not in reasons]
    return reasons


def ahead_of_the_clock(files: Iterable[Path], now: float) -> str | None:
    """Say which file's time lies ahead of the clock, which makes Snakemake stop without a reason.

    Parameters
    ----------
    files : iterable of Path
        Files that a job reads or has written; those that are not there are passed over.
    now : float
        This machine's clock, seconds since 1970.
    """
    for path in files:
        try:
            ahead = path.stat().st_mtime - now
        except OSError:
            continue
        if ahead > CLOCK_TOLERANCE:
            return (
                f"error: {path}: its time lies {ahead:.0f} s ahead of this machine's clock; set "
                "the clock of this machine or of the file server, or touch the file"
            )
    return None


def clock_of_folder(folder: Path, now: float) -> str | None:
    """Say if the clock of a folder's file server is off: Snakemake compares its times with ours.

    Parameters
    ----------
    folder : Path
        Folder that may be written to.
    now : float
        This machine's clock, seconds since 1970.
    """
    with NamedTemporaryFile(dir=folder, prefix=".clock-") as file:
        behind = now - Path(file.name).stat().st_mtime
    if abs(behind) <= CLOCK_TOLERANCE:
        return None
    return (
        f"error: {folder}: the clock of its file server is {abs(behind):.0f} s "
        f"{'behind' if behind > 0 else 'ahead of'} this machine's; set one of the two"
    )


def explain_at_exit(plan: ResultPlan, before: LogTimes) -> None:
    """Have the reasons printed when Snakemake has said all that it says itself."""
    # Absolute: at the very end Snakemake has left the folder that --directory named.
    folder = plan.folder.absolute()
    reasons = failure_reasons(folder / "logs", before)
    if not reasons:
        sources = [*plan.source_files("train"), *plan.source_files("test")]
        files = [*(Path(name).absolute() for name in sources), *folder.rglob("*")]
        clocks = (clock_of_folder(folder, time.time()), ahead_of_the_clock(files, time.time()))
        reasons = [clock for clock in clocks if clock]
    if not reasons:
        reasons = [f"error: a job failed without a word; the logs are in {folder / 'logs'}"]
    atexit.register(lambda: print("", *reasons, sep="\n", file=sys.stderr, flush=True))
