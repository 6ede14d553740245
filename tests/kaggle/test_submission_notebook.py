"""What the notebook asks of Snakemake, by the graphics cards of the machine."""

import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from tests.conftest import KaggleRunWriter, tiny_values
from tests.kaggle.notebook_runs import NOTEBOOK, cells, run_cells
from tests.picking.workflow.test_picking_plan import write_manifest
from tests.workflow_runs import REPOSITORY

# Compute capabilities as nvidia-smi prints them, a card a line.
TWO_T4, TWO_L4, T4_AND_L4 = "7.5\n7.5", "8.9\n8.9", "7.5\n8.9"
BUILD = REPOSITORY / "kaggle" / "build_datasets.py"

Asked = Callable[..., subprocess.CompletedProcess[str]]


def write_command(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(("#!/bin/bash", *lines, "")))
    path.chmod(0o755)


@pytest.fixture
def ask(tmp_path: Path, write_kaggle_run: KaggleRunWriter) -> Asked:
    """Run the notebook but its installation; `snakemake` is what each test makes of it."""
    data = tmp_path / "input"
    write_manifest(data / "tomosieve-bundle" / "bundle")
    (data / "tomosieve-wheels").mkdir()
    write_kaggle_run(data / "czii-cryo-et-object-identification", "test", "R1", tiny_values(0))
    for name in ("working", "scratch/results/kaggle"):
        (tmp_path / name).mkdir(parents=True)
    results = tmp_path / "scratch" / "results" / "kaggle"
    (results / "submission.csv").write_text("id,experiment\n")
    (results / "failed_runs.csv").write_text("run,stage,reason\nR7,propose,truncated\n")

    def run(
        cards: str | None, *snakemake: str, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        write_command(tmp_path / "scratch" / "env" / "bin" / "snakemake", *snakemake)
        write_command(
            tmp_path / "bin" / "nvidia-smi", f"printf '{cards}\\n'" if cards else "exit 9"
        )
        return run_cells(
            [source for name, source in cells().items() if name != "install"],
            {
                "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "KAGGLE_INPUT": str(data),
                "KAGGLE_WORKING": str(tmp_path / "working"),
                "KAGGLE_SCRATCH": str(tmp_path / "scratch"),
                **environment,
            },
        )

    return run


def test_it_is_a_notebook() -> None:
    nbformat.validate(nbformat.read(NOTEBOOK, as_version=4))


@pytest.mark.parametrize(
    ("cards", "number", "precision"),
    [
        (TWO_T4, "gpu=2", "float16"),
        (TWO_L4, "gpu=2", "bfloat16"),
        (T4_AND_L4, "gpu=2", "float16"),
        ("10.0", "gpu=1", "bfloat16"),
        (None, "", ""),
    ],
)
def test_all_cards_are_used_in_a_precision_that_they_have(
    ask: Asked, cards: str | None, number: str, precision: str
) -> None:
    done = ask(cards, "printf '%s\\n' ASKED \"$@\"", KAGGLE_IS_COMPETITION_RERUN="1")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines.count("ASKED") == 1
    assert [line for line in lines if line.startswith("gpu=")] == [number] * bool(number)
    assert [line for line in lines if "precision" in line] == [
        f"stage1_proposals={{precision: {precision}}}"
    ] * bool(precision)


def test_the_answer_stands_without_its_page_and_lists_what_was_left_out(
    ask: Asked, tmp_path: Path
) -> None:
    done = ask(None, 'for target; do :; done; [[ "$target" == *.csv ]]')
    assert done.returncode == 0, done.stderr
    assert "no page" in done.stdout
    assert "R7,propose,truncated" in done.stdout
    assert (tmp_path / "working" / "submission.csv").read_text() == "id,experiment\n"


def test_an_answer_of_a_failed_workflow_is_not_handed_in(ask: Asked, tmp_path: Path) -> None:
    assert ask(None, "exit 1").returncode != 0
    assert not (tmp_path / "working" / "submission.csv").exists()


def test_snakemake_takes_its_arguments_with_the_source_that_is_taken_along(
    ask: Asked, tmp_path: Path
) -> None:
    source = tmp_path / "input" / "tomosieve-wheels" / "source"
    runpy.run_path(str(BUILD))["copy_source"](source)
    rooms = {path.parent.name for path in source.glob("*/__init__.py")}
    assert rooms == {"picking", "stage1_proposals", "features", "stage2_rerank"}
    (tmp_path / "scratch" / "results" / "kaggle" / "submission.csv").unlink()
    done = ask(
        TWO_T4,
        f'{sys.executable} -m snakemake --dry-run --printshellcmds "$@"',
        KAGGLE_IS_COMPETITION_RERUN="1",
    )
    assert f"profile {source / 'profiles' / 'default'}" in done.stderr
    assert "precision: float16" in done.stdout
    assert "rule submit:" in done.stdout
    assert "rule train_member:" not in done.stdout
