"""How long jobs may run, and what a second try gets."""

from picking.config import PipelineConfig
from picking.workflow.run_times import MOST_MINUTES, JobTime, by_attempt, minutes_by_attempt

FULL_SIZE = 184 * 630 * 630


def test_time_grows_with_what_is_to_be_done() -> None:
    time = JobTime({"small": FULL_SIZE // 20, "full": FULL_SIZE}, passes=4)
    for need in (time.of_features, time.of_proposing):
        # One after the other, so that all count, unlike in memory.
        assert need(["small"]) < need(["full"]) < need(["full", "full"])
    assert JobTime({}, passes=8).of_proposing(["any"]) > JobTime({}, passes=4).of_proposing(["any"])


def test_there_is_a_margin_over_what_was_measured() -> None:
    """docs/performance.md: minutes on one core for four full-size tomograms, four passes each."""
    time = JobTime({}, passes=4)
    assert 2 * 434 / 60 < time.of_proposing(list("abcd")) < 6 * 434 / 60
    assert 2 * 121 / 60 < time.of_features(list("abcd")) < 6 * 121 / 60


def test_the_defaults_training_has_an_hour_and_the_largest_a_day() -> None:
    training = PipelineConfig().stage1_proposals.training
    full = JobTime(dict.fromkeys(map(str, range(7)), FULL_SIZE))
    runs = list(full.voxels)
    assert 30 < full.of_training(runs, training) < 90  # 17 minutes were measured
    epochs_given = training.model_copy(update={"epochs": 22})
    small = JobTime(dict.fromkeys(runs, FULL_SIZE // 20))
    assert small.of_training(runs, training) < full.of_training(runs, training)
    # Half as long from weights; so small that no number of steps is the limit.
    assert small.of_training(runs, training, False) < small.of_training(runs, training)
    tiny = JobTime(dict.fromkeys(runs, FULL_SIZE // 10_000))
    assert tiny.of_training(runs, training) > tiny.of_training(runs, epochs_given)
    longest = training.model_copy(update={"max_steps": 10**6, "epochs": 1e6})
    assert full.of_training(runs, longest) == MOST_MINUTES


def test_every_try_gets_more() -> None:
    assert [by_attempt(100)({}, attempt) for attempt in (1, 2, 3)] == [100, 200, 300]
    of_batch = by_attempt(lambda wildcards: 10 * int(wildcards["batch"]))
    assert of_batch({"batch": "7"}, 2) == 140
    assert minutes_by_attempt(MOST_MINUTES // 2 + 1)({}, 2) == MOST_MINUTES
