import numpy as np
import pytest
from scipy.special import logit

from stage2_rerank.decision_loss import decision_loss, justified_strength

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


def test_a_gain_within_its_standard_error_is_not_taken():
    # Best in total, but by one lucky run.
    losses = np.array([[10.0, 10, 10, 10], [10, 10, 10, 9], [11, 11, 11, 3]])
    assert justified_strength(losses, STRENGTHS, RUNS) == 0.0


def test_half_the_strength_if_the_full_one_is_no_better_than_that():
    losses = np.array([[10.0, 10, 10, 10], [7, 7.1, 7, 7.1], [6.5, 7.5, 6.4, 7.5]])
    assert justified_strength(losses, STRENGTHS, RUNS) == 0.5


def test_one_run_proves_nothing():
    losses = np.array([[10.0, 10], [5, 5], [1, 1]])
    assert justified_strength(losses, STRENGTHS, np.array(["a", "a"], dtype=object)) == 0.0
