import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stage1_proposals.prediction.sliding_window import (
    fitting_window,
    padded_shape,
    predict_blended,
    window_starts,
)


@settings(deadline=None, max_examples=40)
@given(
    shape=st.tuples(st.integers(3, 37), st.integers(3, 41), st.integers(3, 29)),
    overlap=st.floats(0, 0.7),
)
def test_blended_windows_reproduce_the_identity_on_odd_shapes(
    shape: tuple[int, int, int], overlap: float
) -> None:
    volume = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    blended = predict_blended(volume, lambda window: window, (8, 16, 8), overlap, 1)
    assert blended.shape == (1, *shape)
    np.testing.assert_allclose(blended[0].numpy(), volume, atol=1e-5)


def test_maps_with_a_stride_stay_in_place() -> None:
    volume = np.random.default_rng(0).standard_normal((20, 34, 26)).astype(np.float32)
    pool = torch.nn.AvgPool3d(2)
    blended = predict_blended(volume, pool, (8, 16, 8), 0.25, 2)
    expected = pool(torch.from_numpy(volume)[None])[0]
    np.testing.assert_allclose(blended[0].numpy(), expected.numpy(), atol=1e-5)


@settings(deadline=None)
@given(
    length=st.integers(16, 700),
    overlap=st.floats(0, 0.9),
    multiple=st.sampled_from([1, 2, 4]),
)
def test_windows_cover_and_overlap(length: int, overlap: float, multiple: int) -> None:
    window = 16
    length = length // multiple * multiple
    starts = window_starts(length, window, overlap, multiple)
    assert starts[0] == 0
    assert starts[-1] + window == length
    assert all(start % multiple == 0 for start in starts)
    steps = np.diff(starts)
    assert np.all(steps > 0)
    assert np.all(steps <= max(window * (1 - overlap) + multiple, multiple))


def test_blending_has_no_seams_between_windows_that_disagree() -> None:
    answers = iter([0.0, 1.0])
    volume = np.zeros((4, 4, 24), np.float32)
    blended = predict_blended(
        volume, lambda window: torch.full_like(window, next(answers)), (4, 4, 16), 0.5, 1
    )
    steps = blended[0, 2, 2].diff()
    assert steps.min() >= -1e-6
    assert steps.max() == pytest.approx(1 / 8, abs=0.03)


def test_a_window_is_no_larger_than_the_volume_needs() -> None:
    assert fitting_window((20, 300, 64), (64, 128, 128), 0.25, 16) == (32, 128, 64)
    # Three windows of 256 would cover up to 640 voxels with this overlap; for 600 smaller ones do.
    assert fitting_window((600,), (256,), 0.25, 16) == (240,)


@settings(deadline=None)
@given(
    length=st.integers(4, 700), largest=st.sampled_from([16, 64, 256]), overlap=st.floats(0, 0.9)
)
@example(length=315, largest=256, overlap=0.125)  # odd: padded once the window had been fitted
@example(length=252, largest=64, overlap=0.3)  # 196 / 39.2 is not 5 in floating point
def test_windows_are_no_more_than_side_and_overlap_ask_for(
    length: int, largest: int, overlap: float
) -> None:
    stride = 2
    (side,) = fitting_window((length,), (largest,), overlap, 16, stride)
    assert side % 16 == 0
    assert 0 < side <= largest
    (padded,) = padded_shape((length,), (side,), stride)
    even = length + length % stride
    beyond_the_first = Fraction(even - largest) / (largest * (1 - Fraction(overlap)))
    needed = 1 + max(0, math.ceil(beyond_the_first))
    assert len(window_starts(padded, side, overlap, stride)) <= needed
