"""The whole road on a copick project of another particle, with names as people give them."""

import json
import subprocess
from pathlib import Path

import pytest

from picking.files.tables import SUBMISSION
from tests.tiny_project import TINY_RUNS, TINY_TYPE, write_tiny_project
from tests.workflow_runs import clone, jobs, snakemake


@pytest.fixture(scope="module")
def tiny_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_project(tmp_path_factory.mktemp("project"))


def tiny_job(folder: Path, project: Path) -> subprocess.CompletedProcess[str]:
    return snakemake(folder, "submission", "--configfile", str(project / "tiny.yaml"))


@pytest.fixture(scope="module")
def tiny_finished(workflow: Path, tiny_project: Path) -> Path:
    done = tiny_job(workflow, tiny_project)
    assert done.returncode == 0, done.stderr[-5000:]
    return workflow


def test_a_copick_project_of_a_foreign_particle_gets_its_picks(tiny_finished: Path) -> None:
    results = tiny_finished / "results" / "tiny"
    submission = SUBMISSION.read(results / "submission.csv")
    assert set(submission["experiment"]) == {TINY_RUNS[-1]}
    assert set(submission["particle_type"]) == {TINY_TYPE}
    report = json.loads((results / "cv_report.json").read_text())
    assert set(report["two_stage"]["per_type"]) == {TINY_TYPE}


def test_the_same_job_elsewhere_gives_the_same_bytes(
    tiny_finished: Path, tiny_project: Path, tmp_path: Path
) -> None:
    other = clone(tmp_path / "clone")
    done = tiny_job(other, tiny_project)
    assert done.returncode == 0, done.stderr[-5000:]
    submission = Path("results") / "tiny" / "submission.csv"
    assert (other / submission).read_bytes() == (tiny_finished / submission).read_bytes()


def test_edited_picks_of_a_copick_project_are_imported_again(
    tiny_finished: Path, tiny_project: Path
) -> None:
    (picks,) = tiny_project.rglob(f"{TINY_RUNS[0]}/Picks/*.json")
    before = picks.read_text()
    content = json.loads(before)
    content["points"].pop()
    picks.write_text(json.dumps(content))
    settings = str(tiny_project / "tiny.yaml")
    planned = snakemake(tiny_finished, "submission", "--dry-run", "--configfile", settings)
    picks.write_text(before)
    assert "localrules directive" not in planned.stdout + planned.stderr
    assert {"import_training_runs", "train_member"} <= jobs(planned)
    assert "import_test_runs" not in jobs(planned)
