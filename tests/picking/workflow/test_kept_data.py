"""Jobs of a cluster, which read the Snakefile again, find the data as the workflow found them."""

import shutil
from pathlib import Path

import pytest

from picking.errors import InputError
from picking.workflow.kept_data import FILE_NAME
from picking.workflow.make_plan import make_plan
from tests.mrc_data import write_mrc_data
from tests.picking.data_in.test_import_copick import copick_project

RUNS = ("R1", "R2", "R3")


@pytest.fixture
def content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """A copick project whose R1 and R2 have picks."""
    monkeypatch.chdir(tmp_path)
    project = copick_project(tmp_path, tomograms_in=dict.fromkeys(RUNS, "static"))
    return {"copick": str(project), "name": "own", "truth": {"user_id": "me"}}


def test_a_job_plans_the_same_without_looking_at_the_data(
    content: dict[str, object], tmp_path: Path
) -> None:
    plan = make_plan(content, "here")
    plan.keep()
    # Whoever looks finds nothing there.
    for root in ("static", "overlay"):
        shutil.rmtree(tmp_path / root)
    job = make_plan(content, "here", is_start=False)
    assert (job.config, job.runs, job.batches) == (plan.config, plan.runs, plan.batches)
    assert job.inputs == plan.inputs
    assert job.training_data == plan.training_data
    assert job.memory == plan.memory


def test_a_start_looks_again(content: dict[str, object], tmp_path: Path) -> None:
    make_plan(content, "here").keep()
    shutil.rmtree(tmp_path / "static" / "ExperimentRuns" / "R3")
    assert make_plan(content, "here").runs.test == ()


def test_a_job_looks_where_nothing_fitting_is_kept(content: dict[str, object]) -> None:
    assert make_plan(content, "here", is_start=False).runs.test == ("R3",)
    make_plan(content, "here").keep()
    # Of another question, and damaged.
    others = make_plan(content | {"truth": {"user_id": "you"}, "leave_out": ["R3"]}, "here", False)
    assert others.runs.test == ()
    Path("results", "own", FILE_NAME).write_text("{")
    assert make_plan(content, "here", is_start=False).runs.test == ("R3",)


def test_a_job_reads_no_headers_of_mrc_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = write_mrc_data(tmp_path, voxel_angstrom=10.02)
    plan = make_plan(data.content, "here")
    plan.keep()
    shutil.rmtree(data.folder)
    job = make_plan(data.content, "here", is_start=False)
    assert job.config.voxel_spacing == 10.02
    assert (job.config, job.inputs, job.training_data) == (
        plan.config, plan.inputs, plan.training_data
    )  # fmt: skip
    # Of another question: what was kept is not taken.
    with pytest.raises(InputError, match="no such file or folder"):
        make_plan(data.content | {"leave_out": ["TS_3"]}, "here", is_start=False)
