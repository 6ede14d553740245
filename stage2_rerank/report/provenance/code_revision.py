"""Which code this is: the git revision of the checkout that the packages stand in."""

import os
import subprocess
from pathlib import Path

from pydantic import Field

from picking.config.strict_model import StrictModel

# What is the code, below the checkout; a changed page of docs/ changes no result.
CODE = ("Snakefile", "picking", "stage1_proposals", "features", "stage2_rerank")
# Where the packages stand.
PACKAGES_FOLDER = Path(__file__).resolve().parents[3]
# A git that waits for a slow or dead file system must not keep a report waiting, seconds.
GIT_PATIENCE = 20


class CodeRevision(StrictModel):
    """A commit, and whether the code is still what it holds."""

    commit: str = Field(description="hash of the commit that is checked out")
    changed: bool = Field(description="whether files of the code differ from it, or are new")


def code_revision(folder: Path = PACKAGES_FOLDER) -> CodeRevision | None:
    """Ask git for the revision of the code.

    Parameters
    ----------
    folder : Path
        Folder that the packages stand in.

    Returns
    -------
    CodeRevision or None
        None if ``folder`` is not the top of a git checkout (an installed package that happens to
        lie below somebody's checkout has no revision), there is no commit, or no git.
    """
    top = _git(folder, "rev-parse", "--show-toplevel")
    if top is None or Path(top.rstrip("\n")).resolve() != Path(folder).resolve():
        return None
    commit = _git(folder, "rev-parse", "--verify", "HEAD")
    changes = _git(folder, "status", "--porcelain", "--", *CODE)
    if commit is None or changes is None:
        return None
    return CodeRevision(commit=commit.strip(), changed=bool(changes.strip()))


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git prints; None if it fails or is not there."""
    # Within a git hook these variables name another repository.
    environment = {name: value for name, value in os.environ.items() if name[:4] != "GIT_"}
    try:
        done = subprocess.run(
            # Reading must not write: status would refresh the index.
            ["git", "--no-optional-locks", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            env=environment,
            timeout=GIT_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
