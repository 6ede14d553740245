"""How many passes there is time for, and what is said of the progress."""

from pathlib import Path

import pytest

from picking.files.batch_record import BatchRecord, FailedRun
from picking.files.progress import Clock, progress_of
from picking.files.unfinished_batch import FinishedRuns
from stage1_proposals.prediction.pace import Pace, duration

RUNS = tuple(f"R{number}" for number in range(100))
HOUR = 3600.0
PLANNED = 8


def pace(records: Path, now: float, deadline: float | None = 10 * HOUR) -> Pace:
    clock = Clock(started=0, deadline=deadline, runs=RUNS, done_before=0, passes_before=0)
    return Pace(clock, records, PLANNED, now=lambda: now)


def write_record(records: Path, number: int, runs: tuple[str, ...], passes: int = PLANNED) -> None:
    fewer = {} if passes == PLANNED else dict.fromkeys(runs, passes)
    BatchRecord(split="test", runs={run: {} for run in runs}, fewer_passes=fewer).write(
        records / f"batch{number}.json"
    )


def test_as_many_passes_as_planned_until_a_tomogram_is_done(tmp_path: Path) -> None:
    assert pace(tmp_path, 9.9 * HOUR).passes() == PLANNED
    assert Pace(None, tmp_path, PLANNED).passes() == PLANNED


def test_as_many_passes_as_the_rest_has_time_for(tmp_path: Path) -> None:
    write_record(tmp_path, 0, RUNS[:10])
    # 10 tomograms an hour: 90 more take 9 hours, and 9.5 less the hour are left.
    assert pace(tmp_path, HOUR, deadline=11 * HOUR).passes() == PLANNED
    # 80 passes an hour: 5 % of ten hours are kept, so 680 passes are left for 90 tomograms.
    assert pace(tmp_path, HOUR).passes() == 7
    assert pace(tmp_path, HOUR, deadline=5 * HOUR).passes() == 3
    assert pace(tmp_path, HOUR, deadline=1.5 * HOUR).passes() == 1
    assert pace(tmp_path, HOUR, deadline=0.5 * HOUR).passes() == 1
    assert pace(tmp_path, HOUR, deadline=None).passes() == PLANNED


def test_passes_come_back_when_there_is_time_again(tmp_path: Path) -> None:
    write_record(tmp_path, 0, RUNS[:10])
    write_record(tmp_path, 1, RUNS[10:90], passes=2)
    # 240 passes in two hours, and time for 120 an hour over 7.5 hours for ten tomograms.
    assert pace(tmp_path, 2 * HOUR).passes() == PLANNED


def test_progress_counts_all_batches_and_only_what_is_wanted(tmp_path: Path) -> None:
    write_record(tmp_path, 0, RUNS[:3])
    FinishedRuns(made_from="", runs={RUNS[3]: {}, "other": {}}, fewer_passes={RUNS[3]: 1}).write(
        tmp_path / "batch1.unfinished.json"
    )
    failed = {RUNS[4]: FailedRun(reason="bad")}
    BatchRecord(split="test", runs={}, failed=failed).write(tmp_path / "batch2.json")
    (tmp_path / "batches.json").write_text("{}")
    (tmp_path / "batch3.json").write_text("")
    progress = progress_of(tmp_path, RUNS, PLANNED)
    assert (progress.done, progress.passes) == (5, 3 * PLANNED + 1)
    assert pace(tmp_path, HOUR).line() == "5 of 100 tomograms, 5 an hour, 19 h 0 min left"
    assert pace(tmp_path / "none", HOUR).line() == "0 of 100 tomograms"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 min"), (61, "2 min"), (3600, "1 h 0 min"), (5399, "1 h 30 min")]
)
def test_durations_are_rounded_up(seconds: float, text: str) -> None:
    assert duration(seconds) == text
