import numpy as np
import pytest

from stage2_rerank.operating_point.wished_thresholds import (
    threshold_for_number,
    threshold_for_precision,
)
from stage2_rerank.thresholds.fbeta_curve import KEEP_NOTHING, FbetaCurve


def curve(right):
    """Candidates from best to worst, R right and W wrong, of scores 0.99, 0.98, ..."""
    hits = np.cumsum([letter == "R" for letter in right])
    number = np.arange(1, len(right) + 1)
    return FbetaCurve(1 - number / 100, hits, number, 1000, 4.0)


def kept(right, precision):
    chosen = threshold_for_precision(curve(right), precision)
    return int(np.sum(curve(right).scores > chosen.value)), chosen.note


@pytest.mark.parametrize(
    ("number", "picks"), [(1, 1), (2, 2), (3, 5), (4, 5), (5, 5), (6, 6)], ids=str
)
def test_the_best_so_many_with_all_that_equal_the_last(number, picks):
    scores = np.array([0.1, 0.5, 0.9, 0.5, 0.7, 0.5])
    chosen = threshold_for_number(scores, number)
    assert np.sum(scores > chosen.value) == picks
    assert chosen.note == ""


def test_the_cut_is_half_way_to_the_next_candidate():
    assert threshold_for_number(np.array([0.8, 0.6, 0.2]), 2).value == pytest.approx(0.4)


def test_more_than_there_are_is_all_with_a_word():
    chosen = threshold_for_number(np.array([0.3, 0.2]), 3)
    assert chosen.value == 0
    assert "no more than 2 candidates" in chosen.note
    assert threshold_for_number(np.zeros(0), 1).value == 0


def test_the_lowest_threshold_that_shows_the_precision():
    assert kept("R" * 19 + "W" + "W" * 5, 0.9) == (20, "")  # 18 of 20, as one more may be wrong
    assert kept("R" * 9 + "W" + "W" * 5, 0.8) == (10, "")


def test_a_dip_above_does_not_hide_a_lower_threshold():
    assert kept("W" + "R" * 19 + "W" * 9, 0.9) == (20, "")
    assert kept("RRRRRWW" + "R" * 30 + "W" * 30, 0.9) == (37, "")


def test_a_few_right_ones_at_the_top_show_nothing():
    picks, note = kept("RRR" + "WR" * 20, 0.9)
    assert picks == 3  # the nearest there is
    assert "do not show a precision of 0.9" in note
    assert "best 3 picks, 0 of them wrong: too few" in note


def test_where_it_is_not_reached_the_nearest_is_taken():
    picks, note = kept("RW" * 20, 0.9)
    assert picks == 39
    assert note.endswith("nearest come their best 39 picks, 19 of them wrong")


def test_without_a_right_candidate_nothing_is_kept():
    for right in ("", "WWW"):
        chosen = threshold_for_precision(curve(right), 0.1)
        assert chosen.value == KEEP_NOTHING
        assert "no candidate of the training runs is right" in chosen.note
