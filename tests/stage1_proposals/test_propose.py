"""The command propose: no run is looked at by a network that saw it."""

import errno
import time
from pathlib import Path

import pandas as pd
import pytest

from picking.config import PipelineConfig
from picking.config.pipeline import OnError
from picking.errors import InputError
from picking.files.batch_record import (
    PROPOSAL_FOLDERS,
    BatchRecord,
    file_digests,
    proposal_files,
)
from picking.files.embedding import EMBEDDING, embedding_channels, embedding_columns
from picking.files.progress import Clock
from picking.files.score_maps import ScoreMaps
from picking.files.tables import CANDIDATES
from picking.files.tomogram import Tomogram
from picking.files.unfinished_batch import unfinished_path
from stage1_proposals.flips_and_rotations import FlipRotation
from stage1_proposals.network.weights_file import load_network
from stage1_proposals.prediction.peaks import find_candidates
from stage1_proposals.prediction.predict import plan_passes
from stage1_proposals.propose import ProposalInputs, propose_candidates
from tests.stage1_proposals.conftest import MEMBER, ball_tomogram


def propose(
    config: PipelineConfig,
    runs: list[str],
    density: Path,
    stage1: Path,
    folds: Path,
    output: Path,
    on_error: OnError = "stop",
    clock: Path | None = None,
) -> BatchRecord:
    copick = output.parent / "copick.json"
    copick.touch()
    precision = output.parent / "precision.json"
    propose_candidates(
        config,
        ProposalInputs(copick, density, stage1, [MEMBER], folds, precision),
        "train",
        runs,
        output,
        output / "batch0.json",
        on_error=on_error,
        clock=clock,
        threads=1,
    )
    return BatchRecord.read(output / "batch0.json")


@pytest.mark.parametrize(("run", "judges"), [("a", {0}), ("c", {1}), ("unseen", {0, 1})])
def test_a_run_is_looked_at_by_those_that_never_saw_it(
    config: PipelineConfig,
    folds: Path,
    density: Path,
    stage1: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run: str,
    judges: set[int],
) -> None:
    opened: set[int] = set()

    def load(path: Path, particle_types: tuple[str, ...]) -> object:
        opened.add(int(path.parent.name.removeprefix("fold")))
        return load_network(path, particle_types)

    monkeypatch.setattr("stage1_proposals.propose.load_network", load)
    record = propose(config, [run], density, stage1, folds, tmp_path / "proposed")
    assert opened == judges
    files = proposal_files(tmp_path / "proposed", run)
    candidates = CANDIDATES.read(files["candidates"])
    assert set(candidates["run"]) == {run}
    embedding = EMBEDDING.read(files["embeddings"])
    assert embedding["candidate_id"].tolist() == candidates["candidate_id"].tolist()
    types = [particle.name for particle in config.known_particles]
    assert list(embedding)[2:] == embedding_columns(embedding_channels(types))
    assert ScoreMaps.read(files["score_maps"]).particle_types == tuple(types)
    digests = file_digests(PROPOSAL_FOLDERS, tmp_path / "proposed", run)
    assert (record.split, record.runs) == ("train", {run: digests})


@pytest.mark.parametrize("turns_about_z", [True, False])
def test_runs_are_looked_at_in_turns_that_the_networks_have_seen(
    config: PipelineConfig,
    folds: Path,
    density: Path,
    stage1: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    turns_about_z: bool,
) -> None:
    asked: list[bool] = []

    def plan(members: int, passes: int, quarter_turns: bool) -> list[tuple[int, FlipRotation]]:
        asked.append(quarter_turns)
        return plan_passes(members, passes, quarter_turns)

    monkeypatch.setattr("stage1_proposals.prediction.predict.plan_passes", plan)
    training = config.stage1_proposals.training.model_copy(update={"turns_about_z": turns_about_z})
    settings = config.stage1_proposals.model_copy(update={"training": training})
    used = config.model_copy(update={"stage1_proposals": settings})
    propose(used, ["a"], density, stage1, folds, tmp_path / "proposed")
    assert asked == [turns_about_z]


def test_runs_of_one_job_get_what_they_get_alone(
    config: PipelineConfig,
    folds: Path,
    density: Path,
    stage1: Path,
    runs_read: list[str],
    tmp_path: Path,
) -> None:
    runs = ["a", "c", "unseen"]
    propose(config, runs, density, stage1, folds, tmp_path / "together")
    assert runs_read == runs
    for run in runs:
        propose(config, [run], density, stage1, folds, tmp_path / run)
        together = proposal_files(tmp_path / "together", run)
        for kind, file in proposal_files(tmp_path / run, run).items():
            assert file.read_bytes() == together[kind].read_bytes()


@pytest.fixture
def one_damaged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run "damaged" cannot be read; the runs that are asked for."""
    asked = []

    def read(copick: Path, run: str, *kind: object) -> Tomogram:
        asked.append(run)
        if run == "damaged":
            raise InputError("run damaged", "has no voxels", "fix it")
        return ball_tomogram(run, 0)[0]

    monkeypatch.setattr("stage1_proposals.propose.read_tomogram", read)
    return asked


def test_a_run_that_cannot_be_read_stops_the_job_after_the_runs_before_it(
    config: PipelineConfig,
    folds: Path,
    density: Path,
    stage1: Path,
    tmp_path: Path,
    one_damaged: list[str],
) -> None:
    with pytest.raises(InputError, match="run damaged"):
        propose(config, ["a", "damaged", "c"], density, stage1, folds, tmp_path / "proposed")
    written = (tmp_path / "proposed" / "candidates").glob("*.parquet")
    assert sorted(path.stem for path in written) == ["a"]
    assert not (tmp_path / "proposed" / "batch0.json").exists()


def test_or_it_is_left_out_with_its_reason(
    config: PipelineConfig,
    folds: Path,
    density: Path,
    stage1: Path,
    tmp_path: Path,
    one_damaged: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    runs = ["damaged", "a", "c"]
    record = propose(config, runs, density, stage1, folds, tmp_path / "some", on_error="skip")
    assert list(record.runs) == ["a", "c"]
    assert record.failed["damaged"].reason == "run damaged: has no voxels; fix it"
    assert "run damaged is left out: run damaged: has no voxels" in capsys.readouterr().err
    without = propose(config, ["a", "c"], density, stage1, folds, tmp_path / "others")
    assert without.runs == record.runs


def test_an_unforeseen_failure_leaves_a_run_out_but_a_full_disk_ends_the_job(
    config: PipelineConfig,
    folds: Path,
    density: Path,
    stage1: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failures: dict[str, Exception] = {"a": ZeroDivisionError("by nothing")}

    def find(run: str, *further: object) -> pd.DataFrame:
        if run in failures:
            raise failures[run]
        return find_candidates(run, *further)

    monkeypatch.setattr("stage1_proposals.propose.find_candidates", find)
    record = propose(config, ["a", "c"], density, stage1, folds, tmp_path / "new", on_error="skip")
    assert list(record.runs) == ["c"]
    assert "ZeroDivisionError: by nothing (a bug" in record.failed["a"].reason
    failures["a"] = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OSError, match="No space left"):
        propose(config, ["a", "c"], density, stage1, folds, tmp_path / "full", on_error="skip")


def test_a_job_that_was_killed_goes_on_where_it_was(
    config: PipelineConfig,
    folds: Path,
    density: Path,
    stage1: Path,
    tmp_path: Path,
    one_damaged: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    output = tmp_path / "proposed"
    with pytest.raises(InputError, match="run damaged"):
        propose(config, ["a", "damaged", "c"], density, stage1, folds, output)
    one_damaged.clear()
    record = propose(config, ["a", "damaged", "c"], density, stage1, folds, output, "skip")
    assert one_damaged == ["damaged", "c"]
    assert list(record.runs) == ["a", "c"]
    assert not unfinished_path(output / "batch0.json").exists()
    # What is finished counts only for what it was made from, and as it was left.
    for spoil in ("settings", "file", "tomogram"):
        (output / "batch0.json").unlink()
        with pytest.raises(InputError, match="run damaged"):
            propose(config, ["a", "damaged"], density, stage1, folds, output)
        used = config
        if spoil == "settings":
            used = config.model_copy(update={"seed": config.seed + 1})
        elif spoil == "file":
            proposal_files(output, "a")["candidates"].write_text("spoilt")
        else:
            monkeypatch.setattr("stage1_proposals.propose.tomogram_stamp", lambda *_: "another")
        one_damaged.clear()
        propose(used, ["a", "damaged", "c"], density, stage1, folds, output, "skip")
        assert one_damaged == ["a", "damaged", "c"]


def test_tomograms_get_fewer_passes_when_time_is_short(
    config: PipelineConfig,
    folds: Path,
    density: Path,
    stage1: Path,
    tmp_path: Path,
    runs_read: list[str],
) -> None:
    clock = tmp_path / "clock.json"
    runs = ["a", "c", "unseen"]
    hour_ago = time.time() - 3600
    Clock(
        started=hour_ago,
        deadline=hour_ago + 3599,
        batches={"train": dict.fromkeys(runs, 0)},
    ).write(clock)
    record = propose(config, runs, density, stage1, folds, tmp_path / "short", clock=clock)
    # The first shows how long it takes; it may still be being written when the second begins.
    assert record.fewer_passes["unseen"] == 1
    assert "a" not in record.fewer_passes
    unhurried = propose(config, runs, density, stage1, folds, tmp_path / "long")
    assert unhurried.fewer_passes == {}
    assert unhurried.runs["a"] == record.runs["a"]
    assert unhurried.runs["unseen"] != record.runs["unseen"]
