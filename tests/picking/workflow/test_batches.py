"""Batches: every run once, and none proposed in again because others came or went."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picking.errors import InputError
from picking.files.batch_record import (
    PROPOSAL_FOLDERS,
    BatchRecord,
    file_digests,
    proposal_files,
)
from picking.workflow.batches import (
    Batch,
    BatchOfRun,
    first_free_number,
    keep_batches,
    known_batches,
    plan_batches,
    record_path,
)
from picking.workflow.lost_runs import lost_runs

NAMES = [f"R{number}" for number in range(12)]
RUNS = st.lists(st.sampled_from(NAMES), unique=True).map(sorted)
JOBS = st.integers(1, 5)


@st.composite
def splits(draw: st.DrawFn) -> dict[str, list[str]]:
    runs = draw(RUNS)
    trained = {run for run in runs if draw(st.booleans())}
    return {
        "train": [run for run in runs if run in trained],
        "test": [run for run in runs if run not in trained],
    }


def known_of(batches: tuple[Batch, ...]) -> dict[str, BatchOfRun]:
    return {
        run: BatchOfRun(number=batch.number, split=batch.split)
        for batch in batches
        for run in batch.runs
    }


def test_runs_are_shared_out_in_their_order() -> None:
    batches = plan_batches({"train": ["A", "B", "C"], "test": ["D", "E"]}, {}, (), 2)
    assert batches == (
        Batch(0, "train", ("A", "B")),
        Batch(1, "train", ("C",)),
        Batch(2, "test", ("D", "E")),
    )


@given(splits(), splits(), splits(), RUNS, JOBS, JOBS)
def test_a_run_stays_in_its_batch_whatever_else_is_wanted(
    earliest: dict[str, list[str]],
    before: dict[str, list[str]],
    after: dict[str, list[str]],
    lost: list[str],
    runs_per_job: int,
    other_runs_per_job: int,
) -> None:
    known = known_of(plan_batches(earliest, {}, (), other_runs_per_job))
    known |= known_of(plan_batches(before, known, (), runs_per_job))
    batches = plan_batches(after, known, lost, other_runs_per_job)
    assert sorted(run for batch in batches for run in batch.runs) == sorted(
        after["train"] + after["test"]
    )
    used = {batch.number for batch in known.values()}
    assert len({batch.number for batch in batches}) == len(batches)
    for batch in batches:
        for run in batch.runs:
            assert run in after[batch.split]
            stays = run not in lost and known.get(run) == BatchOfRun(
                number=batch.number, split=batch.split
            )
            # What has to be proposed in must not hide behind a record that is there already.
            assert stays == (batch.number in used)


@given(splits(), splits(), JOBS, JOBS)
def test_a_job_that_plans_again_finds_the_same_batches(
    before: dict[str, list[str]], after: dict[str, list[str]], runs_per_job: int, other: int
) -> None:
    known = known_of(plan_batches(before, {}, (), other))
    batches = plan_batches(after, known, (), runs_per_job)
    assert plan_batches(after, known | known_of(batches), (), runs_per_job) == batches


def write_batch(results: Path, number: int, runs: list[str]) -> None:
    for run in runs:
        for path in proposal_files(results, run).values():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{run} {path.parent.name}")
    digests = {run: file_digests(PROPOSAL_FOLDERS, results, run) for run in runs}
    BatchRecord(split="test", runs=digests).write(record_path(results, number))


def plan_and_keep(results: Path, runs: list[str]) -> tuple[Batch, ...]:
    known = known_batches(results)
    batches = plan_batches(
        {"train": [], "test": runs}, known, lost_runs(results, known, {}, "skip"), 4
    )
    keep_batches(results, known, batches)
    return batches


def test_a_run_that_lost_a_file_is_proposed_in_again_and_only_once(tmp_path: Path) -> None:
    assert plan_and_keep(tmp_path, ["A", "B"]) == (Batch(0, "test", ("A", "B")),)
    write_batch(tmp_path, 0, ["A", "B"])
    proposal_files(tmp_path, "A")["score_maps"].unlink()
    again = (Batch(0, "test", ("B",)), Batch(1, "test", ("A",)))
    assert plan_and_keep(tmp_path, ["A", "B"]) == again
    assert plan_and_keep(tmp_path, ["A", "B"]) == again
    write_batch(tmp_path, 1, ["A"])
    assert plan_and_keep(tmp_path, ["A", "B"]) == again


def test_a_batch_that_is_being_made_again_keeps_its_runs(tmp_path: Path) -> None:
    batches = plan_and_keep(tmp_path, ["A", "B"])
    write_batch(tmp_path, 0, ["A", "B"])
    # Snakemake removes the output of a job before it runs.
    record_path(tmp_path, 0).unlink()
    assert plan_and_keep(tmp_path, ["A", "B"]) == batches


def test_a_run_that_comes_back_after_its_batch_was_made_without_it(tmp_path: Path) -> None:
    plan_and_keep(tmp_path, ["A", "B"])
    write_batch(tmp_path, 0, ["A", "B"])
    assert plan_and_keep(tmp_path, ["A"]) == (Batch(0, "test", ("A",)),)
    assert plan_and_keep(tmp_path, ["A", "B"]) == (Batch(0, "test", ("A", "B")),)
    write_batch(tmp_path, 0, ["A"])  # with other settings, when B was not wanted
    assert plan_and_keep(tmp_path, ["A", "B"]) == (
        Batch(0, "test", ("A",)),
        Batch(1, "test", ("B",)),
    )


def test_records_that_no_plan_knows_hide_nothing(tmp_path: Path) -> None:
    write_batch(tmp_path, 2, ["A"])  # of an earlier revision, or batches.json was removed
    batches = plan_batches(
        {"train": [], "test": ["A", "B"]}, {}, (), 4, first_free_number(tmp_path)
    )
    assert batches == (Batch(3, "test", ("A", "B")),)
    assert first_free_number(tmp_path / "none") == 0


def test_a_record_changes_with_what_was_written(tmp_path: Path) -> None:
    write_batch(tmp_path, 0, ["A"])
    first = record_path(tmp_path, 0).read_bytes()
    write_batch(tmp_path, 0, ["A"])
    assert record_path(tmp_path, 0).read_bytes() == first
    proposal_files(tmp_path, "A")["embeddings"].write_text("other")
    digests = file_digests(PROPOSAL_FOLDERS, tmp_path, "A")
    BatchRecord(split="test", runs={"A": digests}).write(record_path(tmp_path, 0))
    assert record_path(tmp_path, 0).read_bytes() != first


def test_a_damaged_record_is_none_and_a_damaged_plan_is_named(tmp_path: Path) -> None:
    plan_and_keep(tmp_path, ["A"])
    record_path(tmp_path, 0).write_text("{")
    assert plan_and_keep(tmp_path, ["A"]) == (Batch(1, "test", ("A",)),)
    (tmp_path / "proposals" / "batches.json").write_text("[]")
    with pytest.raises(InputError, match=r"batches\.json: does not say which run is in which"):
        plan_and_keep(tmp_path, ["A"])


def test_without_a_result_nothing_is_known(tmp_path: Path) -> None:
    assert known_batches(tmp_path / "none") == {}
