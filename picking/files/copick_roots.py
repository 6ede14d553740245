"""The roots of a copick project on this machine: what keeps them from listing runs or picks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from picking.errors import InputError
from picking.files.copick_access import refuse_passwords_in_addresses
from picking.files.copick_project import (
    ROOTS,
    RUNS_FOLDER,
    is_local,
    is_on_this_machine,
    read_config,
)

if TYPE_CHECKING:
    from copick.models import CopickRun

# $NAME, ${NAME} or %NAME% of a shell, or a home folder, which nothing expands in JSON.
UNEXPANDED = re.compile(r"\$\w+|\$\{\w+\}|%\w+%|^~")
PICKS_NAME_PARTS = 3
# Begin the names of the folders of a run that are looked into.
LISTED_FOLDERS = ("Picks", "VoxelSpacing")


def root_problems(copick_config: Path) -> dict[str, str]:
    """Say what keeps a project's roots from listing runs.

    Parameters
    ----------
    copick_config : Path
        copick configuration. Roots that are not folders of this machine are left to copick.

    Returns
    -------
    dict of str to str
        By key ("static_root", "overlay_root"); those without a problem are left out.
    """
    content = read_config(copick_config)
    if content.get("config_type", "filesystem") != "filesystem":
        return {}
    problems = {}
    for key in ROOTS:
        url = content.get(key)
        if isinstance(url, str) and is_local(url) and (problem := _problem(url)):
            problems[key] = f"{key} {url!r} {problem}"
    return problems


def check_roots(copick_config: Path) -> None:
    """Refuse a project none of whose roots lists a run, and say why.

    Raises
    ------
    InputError
        It names every root; or an address holds a password.
    """
    content = read_config(copick_config)
    refuse_passwords_in_addresses(content, copick_config)
    problems = root_problems(copick_config)
    if problems and all(key in problems for key in ROOTS if content.get(key) is not None):
        raise InputError(
            copick_config,
            "; ".join(problems.values()),
            "give absolute paths of folders that hold ExperimentRuns/RUN/...",
        )


def _problem(url: str) -> str | None:
    """Say why a root lists no runs; None if it lists some."""
    path = re.sub(r"^\w+://", "", url)
    if not path:
        return "is empty"
    if UNEXPANDED.search(path) and not Path(path).exists():
        return "holds a variable that nothing expands here"
    folder = Path(path)
    try:
        if not folder.is_dir():
            where = "" if folder.is_absolute() else f", seen from {Path.cwd()}"
            return f"is not a folder that is there{where}"
        runs = folder / RUNS_FOLDER
        if not runs.is_dir():
            return f"has no folder {RUNS_FOLDER}"
        if not any(item.is_dir() for item in runs.iterdir()):
            return f"has no run in its folder {RUNS_FOLDER}"
    except PermissionError:
        return "is a folder that you have no permission to read"
    return None


def _check_permissions(folder: Path) -> None:
    """Raise where a run's folder, or one of its picks or tomograms, must not be listed."""
    if not folder.is_dir():
        return
    for item in folder.iterdir():
        if item.name.startswith(LISTED_FOLDERS) and item.is_dir():
            list(item.iterdir())


def check_picks_names(run: CopickRun) -> None:
    """Refuse picks files whose names copick would take apart wrongly.

    Parameters
    ----------
    run : CopickRun
        Run of a project of files; of any other project nothing is checked.

    Raises
    ------
    InputError
        It names the first such file.
    PermissionError
        If a local folder must not be read: copick would take it for empty.
    """
    for kind in ("static", "overlay"):
        folder, files = getattr(run, f"{kind}_path", None), getattr(run, f"fs_{kind}", None)
        if not folder or files is None:
            continue
        if is_on_this_machine(files):
            _check_permissions(Path(folder))
        for path in sorted(files.glob(f"{folder}/Picks/*.json")):
            name = str(path).rsplit("/", 1)[-1].removesuffix(".json")
            parts = name.split("_")
            if not name.startswith(".") and (len(parts) != PICKS_NAME_PARTS or not all(parts)):
                raise InputError(
                    path,
                    "is not named as copick does, {user}_{session}_{object}.json",
                    "rename the file, or move it out of Picks/",
                )
