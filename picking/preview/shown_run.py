"""The run that a preview is asked for: whether the project has it."""

from pathlib import Path

from picking.errors import InputError
from picking.files.copick_project import open_project

# Most runs that a message names.
RUNS_LISTED = 20


def check_run(copick_config: Path, run: str) -> None:
    """Refuse a run that a copick project does not have.

    Raises
    ------
    InputError
        It names the runs that there are.
    """
    known = sorted(copick_run.name for copick_run in open_project(copick_config).runs)
    if run not in known:
        more = len(known) - RUNS_LISTED
        listed = ", ".join(known[:RUNS_LISTED]) + (f" and {more} more" if more > 0 else "")
        raise InputError(copick_config, f"has no run {run}", f"the runs are {listed or 'none'}")
