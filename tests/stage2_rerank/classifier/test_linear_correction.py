import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from picking.config import ClassifierSettings
from stage2_rerank.classifier.linear_correction import (
    FARTHEST_DEVIATIONS,
    LinearPrior,
    cross_fitted_correction,
    fit_linear_correction,
    no_correction,
)


def table(number=400, seed=0, features=6):
    rng = np.random.default_rng(seed)
    values = pd.DataFrame(rng.normal(size=(number, features)), columns=list("abcdef")[:features])
    start = rng.normal(-1, 1, number)
    positive = rng.random(number) < expit(start + values["a"])
    return values, positive.to_numpy(), start


def prior(l2, square_l2=None, features=6):
    square = 0.0 if square_l2 is None else square_l2**-0.5
    return LinearPrior(np.full(features, l2**-0.5), np.full(features, square))


def test_like_scikit_learns_logistic_regression_where_the_start_says_nothing():
    features, positive, start = table()
    ours = fit_linear_correction(features, positive, np.zeros_like(start), prior(10.0))
    standardised = (features - features.mean()) / features.std(ddof=0)
    theirs = LogisticRegression(C=1 / 10.0, tol=1e-8).fit(standardised, positive)
    np.testing.assert_allclose(ours.coefficients, theirs.coef_[0], atol=0.01)
    assert ours.intercept == pytest.approx(theirs.intercept_[0], abs=0.02)


def test_only_what_the_start_does_not_say_is_learnt():
    features, _, start = table(3000)
    as_start_says = np.random.default_rng(1).random(3000) < expit(start)
    told = features.assign(a=start)
    correction = fit_linear_correction(told, as_start_says, start, prior(10.0))
    assert np.abs(correction.coefficients).max() < 0.15
    missing = np.random.default_rng(1).random(3000) < expit(start + 0.8 * features["b"])
    coefficients = fit_linear_correction(
        features, missing.to_numpy(), start, prior(10.0)
    ).coefficients
    assert coefficients[1] == pytest.approx(0.8, abs=0.15)
    assert np.abs(np.delete(coefficients, 1)).max() < 0.15


def test_the_penalty_holds_it_back():
    features, positive, start = table()
    sizes = [
        np.abs(fit_linear_correction(features, positive, start, prior(l2)).coefficients).max()
        for l2 in (1.0, 30.0, 1000.0, 1e6)
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < 1e-3


def test_units_of_a_feature_do_not_matter():
    features, positive, start = table()
    in_other_units = features * [1e-6, 1e4, 1, 1, 1, 1] + [0, 50, 0, -3, 0, 0]
    first = fit_linear_correction(features, positive, start, prior(30.0)).correction(features)
    second = fit_linear_correction(in_other_units, positive, start, prior(30.0))
    np.testing.assert_allclose(second.correction(in_other_units), first, atol=1e-4)


def test_a_gold_bead_counts_as_no_more_than_four_deviations():
    features, positive, start = table()
    linear = fit_linear_correction(features, positive, start, prior(30.0))
    far, farther = (features.iloc[:1].assign(a=value) for value in (100.0, 1e6))
    np.testing.assert_array_equal(linear.correction(far), linear.correction(farther))
    expected = FARTHEST_DEVIATIONS * linear.coefficients[0]
    at_mean = features.iloc[:1].assign(a=linear.means[0])
    assert linear.correction(far) - linear.correction(at_mean) == pytest.approx(expected)


def test_a_weight_of_positives_does_not_shift_the_log_odds():
    features, _, start = table(3000, seed=2)
    right = np.random.default_rng(3).random(3000) < expit(start)
    weighted = fit_linear_correction(features, right, start, prior(30.0), positive_weight=20.0)
    assert weighted.intercept == pytest.approx(0, abs=0.15)


def test_what_lies_in_the_middle_of_a_feature_is_learnt_by_squares():
    features, _, start = table(3000, seed=4)
    middle = 1 - np.square(features["c"])
    positive = (np.random.default_rng(5).random(3000) < expit(start + middle)).to_numpy()
    straight = fit_linear_correction(features, positive, start, prior(10.0))
    assert straight.square_coefficients == (0.0,) * 6
    both = fit_linear_correction(features, positive, start, prior(10.0, 10.0))
    assert both.square_coefficients[2] == pytest.approx(-1, abs=0.25)
    assert np.abs(np.delete(both.square_coefficients, 2)).max() < 0.25
    assert np.argmax(both.sizes) == 2
    inside, outside = (features.iloc[:1].assign(c=value) for value in (0.0, 2.0))
    assert both.correction(inside) > both.correction(outside) + 2
    np.testing.assert_allclose(
        both.effects(features).sum(axis=1) + both.intercept, both.correction(features)
    )


def test_a_family_is_expected_to_count_as_much_as_its_scale_says():
    settings = ClassifierSettings(
        linear_l2=25.0, square_l2=100.0, family_scales={"harmonics": 0.5, "gradient": 2.0}
    )
    names = ["harmonics_shell_0_degree_1", "gradient_radial_core", "own_measure"]
    found = LinearPrior.from_settings(settings, names)
    np.testing.assert_allclose(found.spread, [0.1, 0.4, 0.2])
    np.testing.assert_allclose(found.square_spread, [0.05, 0.2, 0.1])
    assert settings.scale_of_family("context") == ClassifierSettings().scale_of_family("context")
    without = LinearPrior.from_settings(settings.model_copy(update={"square_l2": None}), names)
    np.testing.assert_array_equal(without.square_spread, 0)
    features, positive, start = table(features=3)
    # All three say the same; the one that is expected to count most takes the most of it.
    features = features.assign(b=features["a"], c=features["a"])
    coefficients = fit_linear_correction(features, positive, start, found).coefficients
    assert coefficients[1] > coefficients[2] > coefficients[0] > 0


def test_constant_features_and_empty_tables_correct_nothing():
    features, positive, start = table()
    constant = features.assign(a=1.0, b=0.0)
    coefficients = fit_linear_correction(constant, positive, start, prior(30.0)).coefficients
    assert coefficients[:2] == (0.0, 0.0)
    assert fit_linear_correction(
        features[:0], positive[:0], start[:0], prior(30.0)
    ) == no_correction(6)
    np.testing.assert_array_equal(no_correction(6).correction(features), 0)


def test_cross_fitted_corrections_never_saw_their_own_run():
    features, positive, start = table()
    runs = np.repeat(["r1", "r2", "r3", "r4"], 100)
    before = cross_fitted_correction(features, positive, start, runs, 8, prior(30.0))
    # Other labels in the first run change every other run's correction, and not its own.
    changed = positive.copy()
    changed[:100] = ~changed[:100]
    after = cross_fitted_correction(features, changed, start, runs, 8, prior(30.0))
    np.testing.assert_array_equal(before[:100], after[:100])
    assert np.all(before[100:] != after[100:])
    one_run = cross_fitted_correction(features, positive, start, ["r"] * 400, 8, prior(30.0))
    np.testing.assert_array_equal(one_run, 0)
