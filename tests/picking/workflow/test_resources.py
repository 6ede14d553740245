"""What jobs ask for: memory by the size of the tomograms, and no more cores than there are."""

import os

import pytest

from picking.config import PipelineConfig
from picking.workflow.resources import (
    GIBIBYTE_MB,
    JobMemory,
    feature_threads,
    machine_cores,
    usable_cores,
)

FULL_SIZE = 184 * 630 * 630


def test_memory_grows_with_the_tomograms() -> None:
    memory = JobMemory({"small": FULL_SIZE // 20, "full": FULL_SIZE})
    for need in (memory.of_features, memory.of_proposing):
        assert need(["small"]) < need(["full"])
        # Looked at one after the other, so the largest counts; all are trained on at once.
        assert need(["small", "full"]) == need(["full"])
    one, two = (memory.of_training(["full"] * number, 1) for number in (1, 2))
    assert two - one == pytest.approx(one - memory.of_training([], 1), abs=1)
    assert memory.of_training(["full"], 2) == 2 * one


def test_twenty_full_size_runs_need_more_than_a_fixed_part() -> None:
    memory = JobMemory(dict.fromkeys(map(str, range(20)), FULL_SIZE))
    runs = list(memory.voxels)
    values_mb = 20 * FULL_SIZE * 4 / 2**20
    assert memory.of_training(runs, 1) > values_mb + 2 * GIBIBYTE_MB


def test_a_run_of_unknown_size_counts_as_full_size() -> None:
    assert JobMemory({}).of_features(["any"]) == JobMemory({"any": FULL_SIZE}).of_features(["any"])


def test_the_synthetic_set_has_the_size_that_is_configured() -> None:
    small, full = (
        JobMemory.of_config(PipelineConfig(synthetic={"shape_zyx": shape}), {})
        for shape in ((64, 160, 160), (184, 630, 630))
    )
    assert small.of_synthetic_run() < full.of_synthetic_run()
    assert small.of_features(["TS_1"]) < full.of_features(["TS_1"])


def test_no_more_cores_than_the_machine_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("picking.workflow.resources.machine_cores", lambda: 2)
    assert [usable_cores(wanted) for wanted in (1, 2, 3, 8, None)] == [1, 2, 2, 2, None]
    assert usable_cores(64, nodes=100) == 64  # jobs of a cluster run elsewhere


def test_where_the_system_does_not_say_all_cores_count(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 1 <= machine_cores() <= (os.cpu_count() or 1)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert machine_cores() == (os.cpu_count() or 1)


@pytest.mark.parametrize(
    ("batches", "cores", "threads"),
    [(1, 1, 1), (1, 2, 2), (2, 2, 1), (5, 2, 1), (3, 8, 2), (1, 64, 4), (1, None, 1), (0, 2, 2)],
)
def test_features_take_the_cores_that_their_jobs_leave_idle(
    batches: int, cores: int | None, threads: int
) -> None:
    assert feature_threads(batches, cores) == threads
    assert feature_threads(batches, cores, nodes=10) == 1
