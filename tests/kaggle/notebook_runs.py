"""The notebook's cells, run one after the other as a kernel does."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.workflow_runs import REPOSITORY

NOTEBOOK = REPOSITORY / "kaggle" / "submission.ipynb"
MAGIC = "%%bash\n"
# Run by the image's Python: cells of Python share their names and their environment.
KERNEL = f"""
import json, subprocess, sys
for source in json.load(sys.stdin):
    if source.startswith({MAGIC!r}):
        subprocess.run(["bash", "-c", source.removeprefix({MAGIC!r})], check=True)
    else:
        exec(source, globals())
"""


def cells() -> dict[str, str]:
    """Sources of the cells of code by their id."""
    content = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return {
        cell["id"]: "".join(cell["source"])
        for cell in content["cells"]
        if cell["cell_type"] == "code"
    }


def run_cells(
    sources: Sequence[str],
    environment: Mapping[str, str],
    python: Path = Path(sys.executable),
    within: Sequence[str] = (),
) -> subprocess.CompletedProcess[str]:
    """Run cells in a Python; ``within`` is a command that runs another, as ``unshare`` does.

    They start in the folder KAGGLE_WORKING, as on Kaggle.
    """
    return subprocess.run(
        [*within, str(python), "-c", KERNEL],
        input=json.dumps(list(sources)),
        cwd=environment["KAGGLE_WORKING"],
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
