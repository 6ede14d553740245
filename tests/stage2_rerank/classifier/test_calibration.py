import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from stage2_rerank.classifier.calibration import (
    NARROW_LOG_SLOPE_SPREAD,
    SLOPE_RANGE,
    fit_calibration,
    score_logit,
)


def drawn(slope, intercept, number, seed=0):
    rng = np.random.default_rng(seed)
    margin = rng.normal(-1, 1.5, number)
    return margin, rng.random(number) < expit(slope * margin + intercept)


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.4, -2.0), (3.0, 1.0)])
def test_finds_the_curve_that_labels_were_drawn_from(slope, intercept):
    fitted = fit_calibration(*drawn(slope, intercept, 40_000))
    assert fitted.slope == pytest.approx(slope, rel=0.08)
    assert fitted.intercept == pytest.approx(intercept, abs=0.1)


def test_probabilities_between_2_and_20_percent_are_frequencies():
    margin, positive = drawn(1.7, -1.0, 60_000)
    fit, judged = slice(0, 30_000), slice(30_000, None)
    probability = fit_calibration(margin[fit], positive[fit]).probability(margin[judged])
    for low, high in ((0.02, 0.05), (0.05, 0.1), (0.1, 0.2)):
        among = (probability > low) & (probability <= high)
        frequency = positive[judged][among].mean()
        assert frequency == pytest.approx(probability[among].mean(), rel=0.12)


def test_a_narrow_prior_holds_the_slope_near_one_until_many_say_otherwise():
    few, many = drawn(3.0, 0.0, 40), drawn(3.0, 0.0, 40_000)
    assert 1 < fit_calibration(*few, NARROW_LOG_SLOPE_SPREAD).slope < fit_calibration(*few).slope
    assert fit_calibration(*many, NARROW_LOG_SLOPE_SPREAD).slope == pytest.approx(3.0, rel=0.08)


@pytest.mark.parametrize("positives", [0, 1, 2])
def test_few_positives_still_rank_and_stay_rare(positives):
    rng = np.random.default_rng(1)
    margin = np.sort(rng.normal(-3, 1, 300))
    positive = np.zeros(300, dtype=bool)
    positive[300 - positives :] = True
    probability = fit_calibration(margin, positive).probability(margin)
    assert np.all(np.diff(probability) > 0)
    assert 0 < probability.sum() < positives + 2


def test_all_positive_and_no_candidates():
    margin = np.linspace(-2, 2, 50)
    assert fit_calibration(margin, np.ones(50, dtype=bool)).probability(margin).mean() > 0.9
    empty = fit_calibration(np.zeros(0), np.zeros(0, dtype=bool))
    assert (empty.slope, empty.intercept) == (1.0, 0.0)


def test_a_misleading_score_is_flattened_but_never_turned():
    margin, positive = drawn(-2.0, 0.0, 5000)
    assert fit_calibration(margin, positive).slope == pytest.approx(SLOPE_RANGE[0])


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=50), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=50)
def test_order_is_kept_and_everything_is_finite(scores, seed):
    scores = np.sort(np.array(scores, dtype=np.float32))
    positive = np.random.default_rng(seed).random(len(scores)) < 0.3
    margin = score_logit(scores)
    probability = fit_calibration(margin, positive).probability(margin)
    assert np.all(np.isfinite(probability))
    assert np.all(np.diff(probability) >= 0)
