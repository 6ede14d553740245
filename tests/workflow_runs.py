"""Runs of the workflow, as a person starts them, in a copy of what a clone holds."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "8", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )


def jobs(done: subprocess.CompletedProcess[str]) -> set[str]:
    """Rules whose jobs ran, or in a dry run would run."""
    return set(re.findall(r"^(?:local)?rule (\w+):", done.stdout + done.stderr, re.MULTILINE))


def clone(folder: Path) -> Path:
    """Copy what a clone holds, so that neither results nor data of the user are touched."""
    ignored = shutil.ignore_patterns(
        "data", "results", ".*", "tests", "docs", "__pycache__", "*.egg-info"
    )
    shutil.copytree(REPOSITORY, folder, ignore=ignored)
    (folder / "docs" / "captions").mkdir(parents=True)
    shutil.copy(REPOSITORY / "docs" / "captions" / "cv_report.rst", folder / "docs" / "captions")
    return folder
