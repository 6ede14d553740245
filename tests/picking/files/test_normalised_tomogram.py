"""Normalised tomograms: mean 0, spread 1, whatever the gold."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from picking.files.tomogram import LARGEST_SIGMA, normalised
from tests.conftest import tiny_values


def test_normalised_noise_has_mean_0_and_spread_1():
    values = tiny_values(1, (20, 30, 40)) + np.float32(3e-5)
    result = normalised(values)
    assert result.dtype == np.float32
    assert abs(float(result.mean())) < 0.01
    assert abs(float(result.std()) - 1) < 0.02


def test_gold_does_not_dominate():
    values = tiny_values(2, (20, 30, 40))
    clean = normalised(values)
    with_gold = values.copy()
    with_gold[4:6, 4:6, 4:6] = -1e-3
    result = normalised(with_gold)
    assert result[5, 5, 5] == -LARGEST_SIGMA
    np.testing.assert_allclose(result[8:], clean[8:], atol=0.05)


def test_input_is_left_as_it_is():
    values = tiny_values(3)
    before = values.copy()
    normalised(values)
    np.testing.assert_array_equal(values, before)


@settings(deadline=None, max_examples=50)
@given(
    arrays(np.float32, (4, 5, 6), elements=st.floats(-10, 10, width=16)),
    st.sampled_from([1e-6, 1.0, 1e4]),
    st.sampled_from([-3.0, 0.0, 7.0]),
)
def test_result_is_finite_bounded_and_keeps_the_order(values, factor, offset):
    values = (values + np.float32(offset)) * np.float32(factor)
    result = normalised(values)
    assert np.isfinite(result).all()
    assert np.abs(result).max() <= LARGEST_SIGMA
    order = np.argsort(values, axis=None)
    assert (np.diff(result.flat[order]) >= 0).all()
