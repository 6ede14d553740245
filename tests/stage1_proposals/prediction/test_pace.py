"""How many passes there is time for, and what is said of the progress."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from picking.files.batch_record import BatchRecord, FailedRun, proposal_files
from picking.files.progress import Clock, progress_of
from picking.files.unfinished_batch import FinishedRuns
from stage1_proposals.prediction.pace import Pace, duration

RUNS = tuple(f"R{number}" for number in range(100))
HOUR = 3600.0
PLANNED = 8
START = 1e9
MADE_FROM = "these networks"

PaceAt = Callable[..., Pace]
RecordWriter = Callable[..., None]


@pytest.fixture
def batches() -> dict[str, int]:
    """In which batch the runs are; writing a record puts its runs there."""
    return dict.fromkeys(RUNS, 99)


@pytest.fixture
def pace(tmp_path: Path, batches: dict[str, int]) -> PaceAt:
    def pace_at(hours: float, deadline: float | None = 10 * HOUR) -> Pace:
        clock = Clock(
            started=START, deadline=deadline and START + deadline, batches={"test": batches}
        )
        return Pace(
            clock,
            "test",
            tmp_path,
            tmp_path / "proposals",
            MADE_FROM,
            PLANNED,
            now=lambda: START + hours * HOUR,
        )

    return pace_at


@pytest.fixture
def write_record(tmp_path: Path, batches: dict[str, int]) -> RecordWriter:
    def write(
        number: int,
        runs: Sequence[str],
        passes: int = PLANNED,
        made_from: str = MADE_FROM,
        finished: float = START + 1,
    ) -> None:
        fewer = {} if passes == PLANNED else dict.fromkeys(runs, passes)
        BatchRecord(
            split="test", made_from=made_from, runs={run: {} for run in runs}, fewer_passes=fewer
        ).write(tmp_path / "proposals" / f"batch{number}.json")
        for run in runs:
            batches[run] = number
            candidates = proposal_files(tmp_path, run)["candidates"]
            candidates.parent.mkdir(exist_ok=True)
            candidates.touch()
            os.utime(candidates, (finished, finished))

    return write


def test_as_many_passes_as_planned_until_a_tomogram_is_done(tmp_path: Path, pace: PaceAt) -> None:
    assert pace(9.9).passes() == PLANNED
    alone = Pace(None, "test", tmp_path, tmp_path, MADE_FROM, PLANNED)
    assert (alone.passes(), alone.line()) == (PLANNED, "done")


def test_as_many_passes_as_the_rest_has_time_for(pace: PaceAt, write_record: RecordWriter) -> None:
    write_record(0, RUNS[:10])
    # 10 tomograms an hour: 90 more take 9 hours, and 9.5 less the hour are left.
    assert pace(1, deadline=11 * HOUR).passes() == PLANNED
    # 80 passes an hour: 5 % of ten hours are kept, so 680 passes are left for 90 tomograms.
    assert pace(1).passes() == 7
    assert pace(1, deadline=5 * HOUR).passes() == 3
    assert pace(1, deadline=1.5 * HOUR).passes() == 1
    assert pace(1, deadline=0.5 * HOUR).passes() == 1
    assert pace(1, deadline=None).passes() == PLANNED


def test_passes_come_back_when_there_is_time_again(
    pace: PaceAt, write_record: RecordWriter
) -> None:
    write_record(0, RUNS[:10])
    write_record(1, RUNS[10:90], passes=2)
    # 240 passes in two hours, and time for 120 an hour over 7.5 hours for ten tomograms.
    assert pace(2).passes() == PLANNED


def test_what_was_done_before_or_from_other_networks_says_nothing_of_the_rate(
    pace: PaceAt, write_record: RecordWriter
) -> None:
    write_record(0, RUNS[:50], made_from="another bundle")
    assert pace(9).passes() == PLANNED
    assert pace(9).line() == "0 of 100 tomograms"
    write_record(1, RUNS[50:90], finished=START - HOUR)
    assert pace(9).passes() == PLANNED
    assert pace(9).line() == "40 of 100 tomograms"
    write_record(2, RUNS[90:92])
    # 16 passes in 9 hours, half an hour, and 58 tomograms.
    assert pace(9).passes() == 1


def test_runs_that_are_worked_on_again_are_not_done(
    pace: PaceAt, write_record: RecordWriter, batches: dict[str, int]
) -> None:
    write_record(0, RUNS)
    assert pace(1).line().startswith("100 of 100")
    batches |= dict.fromkeys(RUNS, 1)
    assert pace(1).line() == "0 of 100 tomograms"


def test_progress_counts_finished_and_unfinished_batches_and_failures(
    tmp_path: Path, pace: PaceAt, write_record: RecordWriter, batches: dict[str, int]
) -> None:
    records = tmp_path / "proposals"
    write_record(0, RUNS[:3])
    write_record(1, RUNS[3:4])
    (records / "batch1.json").unlink()
    FinishedRuns(
        made_from=MADE_FROM, runs={RUNS[3]: {}, "other": {}}, fewer_passes={RUNS[3]: 1}
    ).write(records / "batch1.unfinished.json")
    failed = {RUNS[4]: FailedRun(reason="bad")}
    BatchRecord(split="test", made_from=MADE_FROM, runs={}, failed=failed).write(
        records / "batch2.json"
    )
    (records / "batch3.json").write_text("")
    batches |= {RUNS[4]: 2, RUNS[5]: 3}
    progress = progress_of(tmp_path, records, batches, MADE_FROM, PLANNED, START)
    assert (progress.done, progress.finished_since) == (5, 4)
    assert progress.passes_since == 3 * PLANNED + 1
    assert pace(1).line() == "5 of 100 tomograms, 4 an hour, 23 h 45 min left"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 min"), (61, "2 min"), (3600, "1 h 0 min"), (5399, "1 h 30 min")]
)
def test_durations_are_rounded_up(seconds: float, text: str) -> None:
    assert duration(seconds) == text
