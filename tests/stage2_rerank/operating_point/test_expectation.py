import numpy as np
import pytest

from stage2_rerank.operating_point.expectation import expectations
from stage2_rerank.thresholds.cross_validation import CountsByRun


def of_one_type(hits, picks, references):
    runs = tuple(f"run{number}" for number in range(len(hits)))
    columns = (np.array(counts, dtype=np.int64)[:, None] for counts in (hits, picks, references))
    return expectations(CountsByRun(runs, ("T",), *columns))["T"]


def test_counts_are_pooled_over_runs():
    expected = of_one_type(hits=[8, 1], picks=[10, 2], references=[9, 9])
    assert expected.precision.value == 9 / 12
    assert expected.recall.value == 9 / 18


def test_like_runs_vary_by_nothing_and_unlike_runs_from_one_to_the_other():
    like = of_one_type([3, 3, 3], [4, 4, 4], [6, 6, 6])
    assert like.precision.interval_95 == (0.75, 0.75)
    assert like.recall.interval_95 == (0.5, 0.5)
    unlike = of_one_type([4, 0], [4, 4], [4, 4])
    assert unlike.recall.interval_95 == (0.0, 1.0)


def test_runs_without_picks_count_for_the_recall_alone():
    expected = of_one_type(hits=[5, 5, 0], picks=[5, 5, 0], references=[5, 5, 5])
    assert expected.precision.interval_95 == (1.0, 1.0)
    assert expected.recall.value == 10 / 15


def test_one_run_tells_nothing_of_how_runs_differ():
    expected = of_one_type(hits=[5, 0], picks=[5, 0], references=[5, 5])
    assert (expected.precision.value, expected.precision.interval_95) == (1.0, (0.0, 1.0))


@pytest.mark.parametrize("runs", [0, 2])
def test_what_cannot_be_known_is_not_told(runs):
    nothing = of_one_type([0] * runs, [0] * runs, [0] * runs)
    assert nothing.precision is None
    assert nothing.recall is None
