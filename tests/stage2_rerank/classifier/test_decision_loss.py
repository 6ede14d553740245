import numpy as np
import pytest
from scipy.special import logit

from stage2_rerank.classifier.decision_loss import decision_loss, justified_strength

STRENGTHS = (0.0, 0.5, 1.0)
RUNS = np.array(["a", "b", "c", "d"], dtype=object)


def test_hand_computed():
    # Margin at the decision probability itself: the shifted margin is 0, each loss a log 2.
    margin = np.full(2, logit(0.05))
    loss = decision_loss(margin, np.array([True, False]), 0.05)
    assert loss == pytest.approx([19 * np.log(2), np.log(2)])


@pytest.mark.parametrize("probability", [0.01, 0.05, 0.3, 0.9])
def test_the_true_probability_is_best(probability):
    margins = logit(np.linspace(0.005, 0.995, 199))
    expected = probability * decision_loss(margins, np.ones(199, dtype=bool), 0.05) + (
        1 - probability
    ) * decision_loss(margins, np.zeros(199, dtype=bool), 0.05)
    assert margins[np.argmin(expected)] == pytest.approx(logit(probability))


def test_a_steady_gain_is_taken_in_full():
    losses = np.array([[10.0, 10, 10, 10], [8, 8, 8, 8.1], [5, 5, 5, 5.2]])
    assert justified_strength(losses, STRENGTHS, RUNS) == 1.0


def test_in_doubt_the_fuller_correction_is_taken():
    # Half the strength is best in total, but the full one is no clearly worse: two runs like it.
    losses = np.array([[10.0, 10, 10, 10], [7, 7.1, 7, 7.1], [6.5, 7.8, 6.4, 7.8]])
    assert justified_strength(losses, STRENGTHS, RUNS) == 1.0


def test_no_more_than_is_best_if_more_is_clearly_worse():
    losses = np.array([[10.0, 10, 10, 10], [7, 7.1, 7, 7.1], [9, 9.1, 9.2, 9]])
    assert justified_strength(losses, STRENGTHS, RUNS) == 0.5


def test_stage_1_stays_where_nothing_beats_it():
    # The full strength is worse by less than its standard error, but nothing speaks for it.
    losses = np.array([[10.0, 10, 10, 10], [10, 10, 10, 10.1], [7, 12, 8, 13.5]])
    assert justified_strength(losses, STRENGTHS, RUNS) == 0.0


@pytest.mark.parametrize(
    ("runs", "strength"), [(["a", "a", "b", "b"], 1.0), (["a", "b", "b", "c"], 0.0)]
)
def test_two_runs_do_not_judge_but_three_do(runs, strength):
    losses = np.array([[5.0, 5, 5, 5], [7, 7, 7, 7], [9, 9, 9, 9]])
    assert justified_strength(losses, STRENGTHS, np.array(runs, dtype=object)) == strength


def test_one_run_proves_nothing():
    losses = np.array([[10.0, 10], [5, 5], [1, 1]])
    assert justified_strength(losses, STRENGTHS, np.array(["a", "a"], dtype=object)) == 0.0
