"""Batches: every run once, and none proposed in again because others came or went."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picking.errors import InputError
from picking.files.proposal_record import ProposalRecord, proposal_files
from picking.workflow.batches import Batch, plan_batches, recorded_batches

NAMES = [f"R{number}" for number in range(12)]
RUNS = st.lists(st.sampled_from(NAMES), unique=True).map(sorted)


def record_of(batch: Batch) -> ProposalRecord:
    return ProposalRecord(split=batch.split, runs={run: {} for run in batch.runs})


def test_runs_are_shared_out_in_their_order() -> None:
    batches = plan_batches({"train": ["A", "B", "C"], "test": ["D", "E"]}, {}, 2)
    assert batches == (
        Batch(0, "train", ("A", "B")),
        Batch(1, "train", ("C",)),
        Batch(2, "test", ("D", "E")),
    )


@given(st.permutations(NAMES), st.integers(0, 12), st.integers(1, 5), st.data())
def test_a_plan_made_while_its_batches_are_worked_on_is_the_same(
    names: list[str], split: int, runs_per_job: int, data: st.DataObject
) -> None:
    wanted = {"train": sorted(names[:split]), "test": sorted(names[split:])}
    batches = plan_batches(wanted, {}, runs_per_job)
    assert sorted(run for batch in batches for run in batch.runs) == sorted(names)
    finished = data.draw(st.lists(st.sampled_from(batches), unique=True))
    again = plan_batches(
        wanted, {batch.number: record_of(batch) for batch in finished}, runs_per_job
    )
    assert set(again) == set(batches)


@given(RUNS, RUNS, st.integers(1, 5), st.integers(1, 5))
def test_a_run_stays_in_its_batch_whatever_else_is_wanted(
    before: list[str], after: list[str], runs_per_job: int, other_runs_per_job: int
) -> None:
    first = plan_batches({"train": [], "test": before}, {}, runs_per_job)
    recorded = {batch.number: record_of(batch) for batch in first}
    then = plan_batches({"train": [], "test": after}, recorded, other_runs_per_job)
    assert sorted(run for batch in then for run in batch.runs) == after
    number_before = {run: batch.number for batch in first for run in batch.runs}
    for batch in then:
        for run in batch.runs:
            # What was never proposed in must not hide behind a record that is there already.
            assert number_before.get(run, batch.number) == batch.number
            assert (run in before) == (batch.number in recorded)


def test_a_run_that_changed_its_split_is_proposed_in_again() -> None:
    recorded = {0: ProposalRecord(split="test", runs={"A": {}, "B": {}})}
    batches = plan_batches({"train": ["A"], "test": ["B"]}, recorded, 4)
    assert batches == (Batch(0, "test", ("B",)), Batch(1, "train", ("A",)))


def write_batch(results: Path, number: int, runs: list[str]) -> None:
    for run in runs:
        for path in proposal_files(results, run).values():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{run} {path.parent.name}")
    record = ProposalRecord.of_files("test", results, runs)
    record.write(results / "proposals" / f"batch{number}.json")


def test_a_run_that_lost_a_file_is_proposed_in_again(tmp_path: Path) -> None:
    write_batch(tmp_path, 0, ["A", "B"])
    proposal_files(tmp_path, "A")["score_maps"].unlink()
    recorded = recorded_batches(tmp_path)
    assert plan_batches({"train": [], "test": ["A", "B"]}, recorded, 4) == (
        Batch(0, "test", ("B",)),
        Batch(1, "test", ("A",)),
    )


def test_a_record_changes_with_what_was_written(tmp_path: Path) -> None:
    write_batch(tmp_path, 0, ["A"])
    first = (tmp_path / "proposals" / "batch0.json").read_bytes()
    write_batch(tmp_path, 0, ["A"])
    assert (tmp_path / "proposals" / "batch0.json").read_bytes() == first
    proposal_files(tmp_path, "A")["embeddings"].write_text("other")
    ProposalRecord.of_files("test", tmp_path, ["A"]).write(tmp_path / "proposals" / "batch0.json")
    assert (tmp_path / "proposals" / "batch0.json").read_bytes() != first


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    write_batch(tmp_path, 3, ["A"])
    (tmp_path / "proposals" / "batch3.json").write_text("{")
    with pytest.raises(InputError, match=r"batch3\.json: is not a record of proposals"):
        recorded_batches(tmp_path)


def test_without_a_result_nothing_is_recorded(tmp_path: Path) -> None:
    assert recorded_batches(tmp_path / "none") == {}
