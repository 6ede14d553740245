"""Equal power at all frequencies that are compared, and none beyond."""

import tracemalloc

import numpy as np
import pytest
import scipy.fft

from features.template_matching.missing_wedge import MissingWedge
from features.template_matching.whitening import FINEST_ANGSTROM, frequencies, whitened
from tests.features.template_matching.test_missing_wedge import noise_within

SHAPE_ZYX = (40, 72, 64)


def coloured_noise(voxel_angstrom, seed=0):
    """Noise whose power falls by three orders of magnitude up to the finest detail."""
    transform = scipy.fft.rfftn(np.random.default_rng(seed).normal(size=SHAPE_ZYX))
    kz, ky, kx = frequencies(SHAPE_ZYX, np.full(3, voxel_angstrom))
    fall = np.exp(-np.sqrt(kz**2 + ky**2 + kx**2) * FINEST_ANGSTROM * 3.5)
    return scipy.fft.irfftn(transform * fall, s=SHAPE_ZYX).astype(np.float32)


def power_in_shells(values_zyx, voxel_angstrom, shells=8):
    """Mean power of shells up to the finest detail, and the share of all power beyond."""
    k = frequencies(values_zyx.shape, np.full(3, voxel_angstrom))
    power = np.abs(scipy.fft.rfftn(values_zyx)) ** 2
    radius = np.sqrt(sum(one**2 for one in k)) * FINEST_ANGSTROM
    shell = np.floor(radius * shells).astype(int)
    means = [power[(shell == number) & (radius > 0)].mean() for number in range(shells)]
    return np.array(means), power[radius > 1.001].sum() / power.sum()


@pytest.mark.parametrize("voxel_angstrom", [6.0, 10.0, 15.0])
def test_all_frequencies_up_to_the_finest_weigh_the_same(voxel_angstrom):
    values = coloured_noise(voxel_angstrom)
    before, _ = power_in_shells(values, voxel_angstrom)
    assert before.max() > 100 * before.min()
    flat = whitened(values, np.full(3, voxel_angstrom))
    after, beyond = power_in_shells(flat.values_zyx, voxel_angstrom)
    # The coarsest shell holds a few frequencies alone.
    assert after[1:].max() < 1.5 * after[1:].min()
    assert after[0] < 3 * after[1]
    assert beyond < 1e-6
    assert flat.values_zyx.dtype == np.float32
    assert flat.values_zyx.std() == pytest.approx(1, abs=0.05)
    assert flat.values_zyx.mean() == pytest.approx(0, abs=1e-3)


def test_gain_and_offset_do_not_matter():
    values, voxel = coloured_noise(10.0), np.full(3, 10.0)
    other = whitened(3 * values + 7, voxel)
    np.testing.assert_allclose(whitened(values, voxel).values_zyx, other.values_zyx, atol=1e-2)


@pytest.mark.parametrize("shape", [(40, 72, 64), (41, 73, 65)])
def test_nothing_is_moved(shape):
    """A spike stays where it is, whatever is even or odd."""
    values = np.zeros(shape, dtype=np.float32)
    values[20, 30, 40] = 1
    flat = whitened(values, np.full(3, 10.0), MissingWedge()).values_zyx
    assert flat.shape == shape
    assert np.unravel_index(flat.argmax(), shape) == (20, 30, 40)


def test_an_empty_tomogram_stays_empty():
    flat = whitened(np.zeros(SHAPE_ZYX, dtype=np.float32), np.full(3, 10.0))
    np.testing.assert_array_equal(flat.values_zyx, np.zeros(SHAPE_ZYX))
    assert flat.wedge == MissingWedge()


def test_the_wedge_is_measured_unless_it_is_given():
    values, voxel = noise_within(60, "x").astype(np.float32), np.full(3, 10.0)
    measured = whitened(values, voxel).wedge
    assert measured.tilt_axis == "x"
    assert measured.tilt_range_degrees == pytest.approx(60, abs=5)
    given = MissingWedge(40, "y")
    assert whitened(values, voxel, given).wedge == given


def test_frequencies_that_were_not_recorded_do_not_count_as_weak_ones():
    """Of a thin slab coarse shells lie in the plane of no tilt, and are recorded all round."""
    values, voxel = noise_within(30, "y", (6, 96, 96)).astype(np.float32), np.full(3, 10.0)
    flat = whitened(values, voxel, MissingWedge(30, "y")).values_zyx
    power = np.abs(scipy.fft.rfftn(flat))[0] ** 2
    _, ky, kx = frequencies(values.shape, voxel)
    squared = (ky**2 + kx**2)[0]
    coarse = power[(squared > 0) & (squared < 0.012**2)].mean()
    fine = power[(squared > 0.018**2) & (squared < 0.024**2)].mean()
    assert coarse == pytest.approx(fine, rel=0.15)


def test_memory_holds_no_transform_of_the_whole_tomogram():
    values = np.random.default_rng(0).standard_normal((320, 96, 96), dtype=np.float32)
    tracemalloc.start()
    try:
        whitened(values, np.full(3, 10.0))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The result, the kept frequencies and some planes; the whole transform would make it 3.2 times.
    assert peak < 2.3 * values.nbytes
