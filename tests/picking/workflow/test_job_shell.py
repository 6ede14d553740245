"""A job runs this checkout's code, whatever else is installed or on the paths."""

import subprocess
import sys
from pathlib import Path

import pytest

from picking.workflow.job_shell import job_prefix


@pytest.mark.parametrize("theirs", [None, "/somewhere else"])
def test_the_checkout_comes_first(tmp_path: Path, theirs: str | None) -> None:
    checkout = tmp_path / "with a {blank}"
    (checkout / "picking").mkdir(parents=True)
    (checkout / "picking" / "__init__.py").write_text("WHERE = 'the checkout'")
    # As Snakemake does before it adds the command.
    prefix = job_prefix(checkout).format()
    command = "python -c 'import os, picking; print(picking.WHERE, os.environ[\"PYTHONPATH\"])'"
    environment = {"PATH": "/usr/bin:/bin", **({"PYTHONPATH": theirs} if theirs else {})}
    done = subprocess.run(
        ["bash", "-c", prefix + command],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = f"{checkout}:{theirs}" if theirs else str(checkout)
    assert done.stdout.strip() == f"the checkout {paths}"


def test_a_job_is_one_thread_and_fails_with_the_first_command_of_a_pipe(tmp_path: Path) -> None:
    prefix = job_prefix(tmp_path, sys.executable).format()
    said = subprocess.run(
        ["bash", "-c", prefix + "echo $OMP_NUM_THREADS; false | cat"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.stdout.strip() == "1"
    assert said.returncode == 1
