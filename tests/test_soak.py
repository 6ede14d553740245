"""The soak's own parts: damage that picking refuses, kills that leave nobody, what it compares."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import psutil
import pytest

from benchmarks.soak import (
    LAST_KILL,
    WHOLE_JOB,
    Memory,
    Picking,
    Unbroken,
    differences,
    kill_all,
    kill_moments,
    memory_lines,
    run_broken,
    run_unbroken,
    wrong_failures,
)
from benchmarks.soak_data import DAMAGES, run_values, write_runs_to_pick
from picking.config import PipelineConfig
from picking.data_in.import_dataset import import_kaggle
from picking.data_in.inventory import resolve
from picking.errors import InputError
from picking.files.tables import FAILED_RUNS
from picking.files.tomogram import read_tomogram


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The copick project of a run for each damage and two whole ones, and which are damaged."""
    folder = tmp_path_factory.mktemp("soak")
    damaged = write_runs_to_pick(folder / "data", len(DAMAGES) + 2, len(DAMAGES), seed=3)
    runs = [f"TS_{number:04d}" for number in range(len(DAMAGES) + 2)]
    config = resolve(PipelineConfig(dataset=folder / "data"))
    output = folder / "copick.json"
    import_kaggle(
        config,
        folder / "data",
        "test",
        runs,
        output,
        on_error="skip",
        beside_training_runs=False,
    )
    return output, damaged


@pytest.mark.parametrize("way", DAMAGES)
def test_a_tomogram_that_is_damaged_in_any_way_is_refused(
    damaged: tuple[Path, dict[str, str]], way: str
) -> None:
    project, ways = damaged
    (run,) = [run for run, how in ways.items() if how == way]
    with pytest.raises(InputError):
        read_tomogram(project, run, "denoised", 10.0)


def test_the_others_are_whole(damaged: tuple[Path, dict[str, str]]) -> None:
    project, ways = damaged
    number = 0
    for run in (f"TS_{number:04d}" for number in range(len(DAMAGES) + 2)):
        if run not in ways:
            values = read_tomogram(project, run, "denoised", 10.0).values_zyx
            assert values.shape == run_values(0)[0].shape
            number += 1
    assert number == 2


def test_killing_reaches_jobs_in_groups_of_their_own() -> None:
    script = "import subprocess, time; subprocess.Popen(['sleep', '60'], start_new_session=True)"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{script}; print('started', flush=True); time.sleep(60)"],
        start_new_session=True,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    (job,) = psutil.Process(process.pid).children(recursive=True)
    kill_all(process)
    process.stdout.close()
    assert not job.is_running()


def test_kills_fall_within_the_work() -> None:
    moments = kill_moments(Unbroken(0, 10.0, 110.0, Memory()), 5, seed=1)
    assert len(moments) == 5
    assert min(moments) >= 10
    assert sum(moment - 10 for moment in moments) <= LAST_KILL * 100
    assert moments != kill_moments(Unbroken(0, 10.0, 110.0, Memory()), 5, seed=2)


def test_growing_memory_is_noticed_and_shrinking_is_none() -> None:
    def of(samples: list[int]) -> bool:
        memory = Memory()
        memory.samples[WHOLE_JOB][1] = samples
        return memory_lines(memory)[1]

    assert of([100] * 90 + [105] * 10)
    assert of([100] * 90 + [50] * 10)
    assert not of([100] * 90 + [115] * 10)


def test_peaks_of_jobs_are_compared_in_the_order_of_their_start() -> None:
    memory = Memory()
    for process, peak in ((7, 100), (3, 100), (5, 150)):
        memory.samples["features.extract"][process] = [10, peak, 20]
    lines, stays = memory_lines(memory)
    assert "of 3 jobs" in lines[0]
    assert "+50.0%" in lines[0]
    assert not stays


# Works like the workflow: one run after the other, and goes on where it was; two jobs that it
# starts are seen by their arguments.
WORKER = """
import sys, time
from pathlib import Path
results, seconds = Path(sys.argv[1]), float(sys.argv[2])
if "--unlock" in sys.argv:
    sys.exit()
for folder in ("candidates", "proposals"):
    (results / folder).mkdir(parents=True, exist_ok=True)
(results / "proposals" / "batches.json").write_text("{}")
for run in range(10):
    path = results / "candidates" / f"run{run}.parquet"
    if not path.exists() or "--again" in sys.argv:
        time.sleep(seconds)
        path.write_text(str(run))
(results / "submission.csv").write_text("id\\n0\\n")
"""


@dataclass(frozen=True)
class WorkerPicking(Picking):
    further: tuple[str, ...] = ()

    def command(self, *options: str) -> list[str]:
        return [sys.executable, "-c", WORKER, str(self.results), "0.1", *self.further, *options]


def worker(folder: Path, name: str, *further: str) -> WorkerPicking:
    return WorkerPicking(folder, name, Path("bundle"), Path("data"), 25, 2, further)


def test_an_answer_that_was_killed_and_one_that_was_not_are_compared(tmp_path: Path) -> None:
    whole, broken_up = worker(tmp_path, "unbroken"), worker(tmp_path, "broken")
    unbroken = run_unbroken(whole)
    assert unbroken.status == 0
    assert unbroken.seconds > 1
    broken = run_broken(broken_up, [0.5, 0.4])
    assert (broken.status, broken.kills, broken.redone, broken.leftovers) == (0, 2, 0, 0)
    for picking in (whole, broken_up):
        reason = f"results/{picking.name}/copick/test.json: no tomogram"
        (picking.results / "failed_runs.csv").write_text(reason)
    assert differences(whole.results, broken_up.results) == []
    (broken_up.results / "submission.csv").write_text("id\n1\n")
    (broken_up.results / "picks").mkdir()
    (broken_up.results / "picks" / "a.json").write_text("{}")
    assert differences(whole.results, broken_up.results) == ["submission.csv", "picks/a.json"]


def test_work_that_is_done_again_is_counted(tmp_path: Path) -> None:
    broken = run_broken(worker(tmp_path, "broken", "--again"), [0.9])
    assert broken.kills == 1
    assert broken.redone > 0


def test_runs_that_are_wrongly_listed_or_not_are_named(tmp_path: Path) -> None:
    table = pd.DataFrame({"run": ["A", "B"], "stage": "features", "reason": "is flat"})
    FAILED_RUNS.write(table, tmp_path / "failed_runs.csv")
    assert wrong_failures(tmp_path, {"A": "NaN", "B": "2D"}) == []
    assert wrong_failures(tmp_path, {"A": "NaN", "C": "2D"}) == ["B (whole)", "C (2D)"]
