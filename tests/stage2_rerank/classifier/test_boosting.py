import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from picking.config import ClassifierSettings
from stage2_rerank.classifier.boosting import (
    GrowingBags,
    booster_text,
    lightgbm_parameters,
    mean_correction,
)

SETTINGS = ClassifierSettings(
    learning_rate=0.1,
    num_leaves=5,
    min_child_samples=5,
    feature_fraction=0.5,
    bagging_fraction=0.7,
    l2=1.0,
    positive_weight=1.0,
)


def table(number=300, seed=0):
    rng = np.random.default_rng(seed)
    features = pd.DataFrame(rng.normal(size=(number, 6)), columns=list("abcdef"))
    start = rng.normal(-1, 1, number)
    positive = rng.random(number) < expit(start + features["a"])
    return features, positive.to_numpy(), start


def grown(trees=20, seeds=(1, 2), threads=1, settings=SETTINGS):
    bags = GrowingBags(*table(), settings, list(seeds), threads)
    bags.grow(trees)
    return bags


def test_threads_are_no_parameter_of_the_result():
    one, two = grown(threads=1), grown(threads=2)
    features = table(seed=1)[0]
    np.testing.assert_array_equal(one.correction(features), two.correction(features))
    for first, second in zip(one.boosters, two.boosters, strict=True):
        assert booster_text(first) == booster_text(second)


def test_the_correction_points_where_the_start_was_wrong():
    features = table(seed=1)[0]
    correction = grown(trees=60).correction(features)
    assert np.corrcoef(correction, features["a"])[0, 1] > 0.5


def test_without_trees_nothing_is_corrected():
    features = table(seed=1)[0]
    np.testing.assert_array_equal(grown(trees=0).correction(features), 0)
    assert grown().correction(features[:0]).shape == (0,)


def test_bags_are_averaged():
    features = table(seed=1)[0]
    alone = [grown(seeds=[seed]).correction(features) for seed in (1, 2)]
    bags = grown()
    np.testing.assert_allclose(bags.correction(features), np.mean(alone, axis=0))
    assert not np.array_equal(*alone)


def test_a_weight_of_positives_does_not_shift_the_log_odds():
    settings = SETTINGS.model_copy(update={"positive_weight": 20.0})
    features, _, start = table(3000, seed=2)
    right = np.random.default_rng(3).random(3000) < expit(start)
    bags = GrowingBags(features, right, start, settings, [1, 2], 1)
    bags.grow(60)
    # Without the shift of the start the trees would move everything by log 20 = 3.
    assert bags.correction(features).mean() == pytest.approx(0, abs=0.15)


def test_mean_of_no_boosters_is_nothing():
    np.testing.assert_array_equal(mean_correction([], table()[0], 1), 0)


def test_every_setting_of_the_trees_arrives():
    settings = ClassifierSettings(
        learning_rate=0.3,
        num_leaves=9,
        min_child_samples=7,
        feature_fraction=0.25,
        bagging_fraction=0.6,
        l2=2.5,
    )
    parameters = lightgbm_parameters(settings, seed=11, threads=3)
    expected = {
        "learning_rate": 0.3,
        "num_leaves": 9,
        "min_child_samples": 7,
        "feature_fraction": 0.25,
        "bagging_fraction": 0.6,
        "lambda_l2": 2.5,
        "seed": 11,
        "num_threads": 3,
    }
    assert {name: parameters[name] for name in expected} == expected
