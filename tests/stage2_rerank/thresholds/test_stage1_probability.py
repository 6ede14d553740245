"""Stage 1 alone, decided by the same probability as both stages."""

import numpy as np
import pytest
from scipy.special import expit, logit

from stage2_rerank.thresholds.fbeta_curve import (
    KEEP_NOTHING,
    FbetaCurve,
    threshold_by_probability,
)
from stage2_rerank.thresholds.stage1_probability import (
    calibrated_on,
    threshold_by_calibrated_score,
)


def drawn_curve(slope, intercept, number=4000, seed=0):
    """Candidates whose score has to be stretched and shifted to be a probability."""
    rng = np.random.default_rng(seed)
    margin = np.sort(rng.normal(-4, 2.5, number))[::-1]
    hits = rng.random(number) < expit(margin)
    scores = expit((margin - intercept) / slope)
    return FbetaCurve(
        scores, np.cumsum(hits), np.arange(1, number + 1), int(1.1 * hits.sum()), 4.0
    ), expit(margin)


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.6, -2.0), (1.5, 3.0)])
def test_the_threshold_is_the_score_whose_probability_pays(slope, intercept):
    curve, probability = drawn_curve(slope, intercept)
    threshold = threshold_by_calibrated_score(curve)
    kept = probability[curve.scores > threshold]
    # F/17 is the probability that pays, whatever the scale of the scores.
    assert kept.min() == pytest.approx(curve.fbeta_above(threshold) / 17, rel=0.25)
    assert curve.fbeta_above(threshold) > curve.fbeta.max() - 0.01


def test_what_is_kept_does_not_depend_on_the_scale_of_the_scores():
    kept = [
        int(np.sum(curve.scores > threshold_by_calibrated_score(curve)))
        for curve, _ in (drawn_curve(1.0, 0.0), drawn_curve(0.8, -1.0))
    ]
    assert kept[0] == pytest.approx(kept[1], rel=0.05)


def test_scores_that_are_probabilities_already_keep_their_threshold():
    curve, _ = drawn_curve(1.0, 0.0, number=20_000)
    assert logit(threshold_by_calibrated_score(curve)) == pytest.approx(
        logit(threshold_by_probability(curve)), abs=0.15
    )


def test_tied_scores_count_as_often_as_there_are_candidates():
    curve = FbetaCurve(np.array([0.8, 0.2]), np.array([3, 4]), np.array([4, 40]), 5, 4.0)
    single = FbetaCurve(
        np.repeat([0.8, 0.2], [4, 36]) - np.arange(40) * 1e-9,
        np.minimum(np.arange(1, 41), [1, 2, 3, 3] + [4] * 36),
        np.arange(1, 41),
        5,
        4.0,
    )
    tied, apart = calibrated_on(curve), calibrated_on(single)
    assert (tied.slope, tied.intercept) == pytest.approx((apart.slope, apart.intercept), rel=1e-3)


@pytest.mark.parametrize(
    "nothing",
    [
        FbetaCurve(np.zeros(0), np.zeros(0, int), np.zeros(0, int), 5, 4.0),
        FbetaCurve(np.array([0.9]), np.array([0]), np.array([1]), 5, 4.0),
    ],
)
def test_without_a_hit_nothing_is_kept(nothing):
    assert threshold_by_calibrated_score(nothing) == KEEP_NOTHING


def test_scores_of_exactly_0_and_1_are_told_apart():
    curve = FbetaCurve(np.array([1.0, 0.0]), np.array([5, 5]), np.array([5, 5000]), 5, 4.0)
    assert 0 <= threshold_by_calibrated_score(curve) < 1
