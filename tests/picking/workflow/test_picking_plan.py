"""The plan where a bundle picks: no training, the bundle's networks, all of the data's runs."""

import json
import shutil
from pathlib import Path

import pytest

from picking.bundle.manifest import CARD_NAME, BundledFile, BundleManifest, result_files
from picking.config import CZII_PARTICLES, PipelineConfig
from picking.errors import InputError
from picking.files.batch_record import BatchRecord, FailedRun, proposal_files
from picking.files.progress import Clock
from picking.files.tomogram import tomogram_digest
from picking.files.tomogram_stamp import digest_of
from picking.workflow.checked_options import of_training
from picking.workflow.make_plan import make_plan
from picking.workflow.plan import ResultPlan
from tests.conftest import KaggleRunWriter, tiny_values

MEMBERS = ("resnet18-seed0", "resnet18-seed7")
NETWORKS = 8  # two members in four folds


def write_manifest(folder: Path, has_averages: bool = False) -> Path:
    """Write a bundle of which only the manifest is there: a plan asks for no more."""
    config = PipelineConfig(name="trained", particles=CZII_PARTICLES)
    names = (*result_files(config, MEMBERS, 4, has_averages), CARD_NAME)
    BundleManifest(
        format=2,
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
    assert len(plan.weights) == NETWORKS
    assert set(plan.weights) < {f"results/picked/{name}" for name in plan.manifest.result_files}
    assert plan.structures == ["results/picked/structures.npz"]
    assert "structures.npz" in plan.manifest.result_files
    assert plan.averages == []
    assert plan.config.name == "picked"
    assert plan.on_error(0) == "skip"
    assert make_plan(content | {"on_error": "stop"}, "here").on_error(0) == "stop"


def test_a_bundles_averages_are_compared_with(content: dict[str, object], tmp_path: Path) -> None:
    bundle = write_manifest(tmp_path / "with_averages", has_averages=True)
    plan = make_plan(content | {"bundle": str(bundle)}, "here")
    assert plan.averages == ["results/picked/learnt_averages.npz", "results/picked/folds.json"]
    assert {"learnt_averages.npz", "folds.json"} < set(plan.manifest.result_files)


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


def test_a_training_of_the_same_name_is_not_replaced(content: dict[str, object]) -> None:
    record = Path("results/picked/stage1/resnet18-seed0/fold0/training.json")
    record.parent.mkdir(parents=True)
    record.write_text("{}")
    with pytest.raises(InputError, match="name: is picked, and results/picked holds a training"):
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
    copick = write_project(plan.folder / "copick" / "test.json", static)

    def failed(run: str) -> FailedRun:
        return FailedRun(reason="bad", tomogram=tomogram_digest(copick, run, "denoised", 10.0))

    failures = {run: failed(run) for run in ("R1", "R2", "R3")}
    BatchRecord(split="test", runs={}, failed=failures).write(Path(plan.proposals(["R1"])[0]))
    assert numbers(make_plan(content, "here")) == {"R1": 0, "R2": 0, "R3": 0}
    shutil.rmtree(static / "ExperimentRuns" / "R1")
    write_kaggle_run(tmp_path / "kaggle", "test", "R1", tiny_values(5))
    write_kaggle_run(tmp_path / "kaggle", "test", "R3", tiny_values(6))
    assert numbers(make_plan(content, "here")) == {"R1": 1, "R2": 0, "R3": 1}


def write_project(path: Path, static: Path) -> Path:
    path.parent.mkdir(parents=True)
    roots = {"static_root": f"local://{static}", "overlay_root": f"local://{path.parent}/overlay"}
    content = {"config_type": "filesystem", "pickable_objects": [], **roots}
    path.write_text(json.dumps(content))
    return path


def numbers(plan: ResultPlan) -> dict[str, int]:
    return {run: batch.number for batch in plan.batches for run in batch.runs}


def test_the_clock_says_when_all_has_to_be_done(content: dict[str, object]) -> None:
    plan = make_plan(content | {"hours": 2}, "here")
    plan.keep()
    clock = Clock.read(Path(plan.clock_file))
    assert clock.deadline is not None
    assert clock.deadline - clock.started == pytest.approx(2 * 3600)
    assert clock.batches == {"train": {}, "test": {"R1": 0, "R2": 0, "R3": 0}}


def test_runs_named_as_training_runs_are_told(
    content: dict[str, object],
    write_kaggle_run: KaggleRunWriter,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_plan(content, "here").keep()
    assert "named as training runs" not in capsys.readouterr().err
    write_kaggle_run(tmp_path / "kaggle", "test", "A", tiny_values(7))
    make_plan(content, "here").keep()
    assert "warning: A: named as training runs of the bundle" in capsys.readouterr().err


def test_a_replaced_tomogram_and_a_damaged_record_are_noticed(
    content: dict[str, object], write_kaggle_run: KaggleRunWriter, tmp_path: Path
) -> None:
    plan = make_plan(content, "here")
    plan.keep()
    runs = ("R1", "R2", "R3")
    for run in runs:
        for path in proposal_files(plan.folder, run).values():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(run)
    stamps = plan.inputs["test"].stamps
    record = Path(plan.proposals(["R1"])[0])
    BatchRecord(split="test", runs={run: {} for run in runs}, tomograms=stamps).write(record)
    assert numbers(make_plan(content, "here")) == {"R1": 0, "R2": 0, "R3": 0}
    # Moved as a whole it is the same.
    (tmp_path / "kaggle").rename(tmp_path / "moved")
    content |= {"dataset": str(tmp_path / "moved")}
    assert numbers(make_plan(content, "here")) == {"R1": 0, "R2": 0, "R3": 0}
    shutil.rmtree(tmp_path / "moved" / "test" / "static" / "ExperimentRuns" / "R2")
    write_kaggle_run(tmp_path / "moved", "test", "R2", tiny_values(5))
    assert numbers(make_plan(content, "here")) == {"R1": 0, "R2": 1, "R3": 0}
    proposal_files(plan.folder, "R1")["candidates"].write_text("")
    assert numbers(make_plan(content, "here"))["R1"] == 1
    record.write_bytes(b"\xff")
    assert numbers(make_plan(content, "here")) == {"R1": 1, "R2": 1, "R3": 1}


def test_failures_of_the_machine_are_tried_again_and_all_where_they_are_to_stop(
    content: dict[str, object],
) -> None:
    plan = make_plan(content, "here")
    plan.keep()
    failed = {
        "R1": FailedRun(reason="a bug"),
        "R3": FailedRun(reason="no", tomogram=digest_of(None)),
    }
    record = BatchRecord(split="test", runs={}, failed=failed)
    record.write(Path(plan.proposals(["R1"])[0]))
    # R3 has no tomogram still; no record names R2.
    assert numbers(make_plan(content, "here")) == {"R1": 1, "R2": 1, "R3": 0}
    stop = make_plan(content | {"on_error": "stop"}, "here")
    assert numbers(stop) == {"R1": 1, "R2": 1, "R3": 1}
