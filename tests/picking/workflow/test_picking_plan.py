"""The plan where a bundle picks: no training, the bundle's networks, all of the data's runs."""

import json
import shutil
from pathlib import Path

import pytest

from picking.bundle.manifest import CARD_NAME, BundledFile, BundleManifest, result_files
from picking.config import CZII_PARTICLES, PipelineConfig
from picking.errors import InputError
from picking.files.batch_record import BatchRecord, FailedRun
from picking.files.json_models import read_model
from picking.files.progress import Clock
from picking.files.tomogram import tomogram_digest
from picking.workflow.checked_options import of_training
from picking.workflow.make_plan import make_plan
from picking.workflow.plan import ResultPlan
from tests.conftest import KaggleRunWriter, tiny_values

MEMBERS = ("resnet18-seed0", "resnet18-seed7")
PASSES = 8  # two members in four folds


def write_manifest(folder: Path) -> Path:
    """Write a bundle of which only the manifest is there: a plan asks for no more."""
    config = PipelineConfig(name="trained", particles=CZII_PARTICLES)
    names = (*result_files(config, MEMBERS, 4), CARD_NAME)
    BundleManifest(
        format=1,
        made_by={"tomosieve": "1"},
        made_at="2026-01-01T00:00:00+00:00",
        data="noise",
        config=config,
        precision="float32",
        members=MEMBERS,
        folds=4,
        training_runs=("A", "B"),
        score=0.5,
        types={},
        files={name: BundledFile(bytes=1, sha256="0" * 64) for name in names},
    ).write(folder / "manifest.json")
    return folder


@pytest.fixture
def content(
    tmp_path: Path, write_kaggle_run: KaggleRunWriter, monkeypatch: pytest.MonkeyPatch
) -> dict[str, object]:
    """A bundle, and a Kaggle folder with three test runs; one of them has no tomogram."""
    monkeypatch.chdir(tmp_path)
    dataset = tmp_path / "kaggle"
    for seed, run in enumerate(("R1", "R2")):
        write_kaggle_run(dataset, "test", run, tiny_values(seed))
    (dataset / "test" / "static" / "ExperimentRuns" / "R3").mkdir()
    bundle = write_manifest(tmp_path / "bundle")
    return {"bundle": str(bundle), "dataset": str(dataset), "name": "picked"}


def test_all_test_runs_are_picked_by_the_bundles_networks(content: dict[str, object]) -> None:
    plan = make_plan(content, "here")
    assert plan.runs.train == ()
    assert plan.runs.test == ("R1", "R2", "R3")
    assert plan.members == list(MEMBERS)
    assert len(plan.weights) == PASSES
    assert set(plan.weights) < {f"results/picked/{name}" for name in plan.manifest.result_files}
    assert plan.config.name == "picked"
    assert plan.on_error(0) == "skip"
    assert make_plan(content | {"on_error": "stop"}, "here").on_error(0) == "stop"


def test_all_runs_of_a_copick_project_are_picked(
    content: dict[str, object], tmp_path: Path
) -> None:
    project = tmp_path / "copick.json"
    static = tmp_path / "kaggle" / "test" / "static"
    # The bundle's types need not be the project's objects.
    objects = [{"name": "membrane", "is_particle": False, "label": 1}]
    project.write_text(
        json.dumps(
            {
                "config_type": "filesystem",
                "pickable_objects": objects,
                "static_root": f"local://{static}",
                "overlay_root": f"local://{tmp_path}/overlay",
            }
        )
    )
    (tmp_path / "overlay").mkdir()
    del content["dataset"]
    plan = make_plan(content | {"copick": str(project)}, "here")
    assert plan.runs.test == ("R1", "R2", "R3")
    assert plan.particle_types == [particle.name for particle in CZII_PARTICLES]


def test_data_without_a_fitting_tomogram_are_refused(content: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"no run has a tomogram 'wbp' of voxel spacing 10\.000"):
        make_plan(content | {"tomo_type": "wbp", "other_tomo_type": True}, "here")
    shutil.rmtree(Path(str(content["dataset"])) / "test")
    with pytest.raises(InputError, match=r"test/static/ExperimentRuns: there is no such folder"):
        make_plan(content, "here")


def test_what_only_a_training_makes_is_refused(
    content: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        of_training(make_plan(content, "here"), ["cv_report.html"])
    assert "there is no cv_report.html; ask for picks" in str(exit_.value)


def test_a_run_that_failed_is_tried_again_once_its_tomogram_has_changed(
    content: dict[str, object], write_kaggle_run: KaggleRunWriter, tmp_path: Path
) -> None:
    plan = make_plan(content, "here")
    plan.keep()
    static = tmp_path / "kaggle" / "test" / "static"
    copick = plan.folder / "copick" / "test.json"
    copick.parent.mkdir(parents=True)
    copick.write_text(
        json.dumps(
            {
                "config_type": "filesystem",
                "pickable_objects": [],
                "static_root": f"local://{static}",
                "overlay_root": f"local://{tmp_path}/overlay",
            }
        )
    )

    def failed(run: str) -> FailedRun:
        return FailedRun(reason="bad", tomogram=tomogram_digest(copick, run, "denoised", 10.0))

    failures = {run: failed(run) for run in ("R1", "R2", "R3")}
    BatchRecord(split="test", runs={}, failed=failures).write(Path(plan.proposals(["R1"])[0]))
    assert numbers(make_plan(content, "here")) == {"R1": 0, "R2": 0, "R3": 0}
    shutil.rmtree(static / "ExperimentRuns" / "R1")
    write_kaggle_run(tmp_path / "kaggle", "test", "R1", tiny_values(5))
    write_kaggle_run(tmp_path / "kaggle", "test", "R3", tiny_values(6))
    assert numbers(make_plan(content, "here")) == {"R1": 1, "R2": 0, "R3": 1}


def numbers(plan: ResultPlan) -> dict[str, int]:
    return {run: batch.number for batch in plan.batches for run in batch.runs}


def test_the_clock_says_what_is_done_and_when_all_has_to_be(content: dict[str, object]) -> None:
    plan = make_plan(content | {"hours": 2}, "here")
    record = BatchRecord(split="test", runs={"R1": {}, "R2": {}}, fewer_passes={"R2": 3})
    record.write(Path(plan.proposals(["R1"])[0]))
    plan.keep()
    clock = read_model(Path(plan.clock_file), Clock, problem="", if_missing="")
    assert clock.deadline is not None
    assert clock.deadline - clock.started == pytest.approx(2 * 3600)
    assert clock.runs == ("R1", "R2", "R3")
    assert (clock.done_before, clock.passes_before) == (2, PASSES + 3)
