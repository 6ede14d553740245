import numpy as np
import pytest

from picking.files.tomogram import Tomogram
from picking.preview.slices import grey, grey_limits, thick_slice

VOXEL_SIZE_ZYX = np.array([10.0, 20.0, 40.0])


@pytest.fixture
def tomogram():
    values = np.random.default_rng(0).normal(0, 7e-6, (9, 11, 13)).astype(np.float32)
    return Tomogram("R", values, VOXEL_SIZE_ZYX)


@pytest.mark.parametrize(
    ("plane", "box", "extent"),
    [
        # The centre is voxel z 4, y 5, x 6.
        ("xy", np.s_[3:6, 3:8, 5:8], (180, 300, 50, 150)),
        ("xz", np.s_[0:9, 4:7, 5:8], (180, 300, -5, 85)),
        ("yz", np.s_[0:9, 3:8, 5:8], (50, 150, -5, 85)),
    ],
)
def test_a_slice_is_the_mean_around_its_centre(tomogram, plane, box, extent):
    axis = {"xy": 0, "xz": 1, "yz": 2}[plane]
    cut = thick_slice(tomogram, plane, (240, 100, 40), 3, 40.0)
    np.testing.assert_allclose(cut.values, tomogram.values_zyx[box].mean(axis=axis), rtol=1e-4)
    assert cut.extent_angstrom == extent


def test_without_a_width_it_is_the_whole_field(tomogram):
    cut = thick_slice(tomogram, "xy", (0, 0, 20), 1)
    np.testing.assert_array_equal(cut.values, tomogram.values_zyx[2])
    assert cut.extent_angstrom == (-20, 500, -10, 210)


@pytest.mark.parametrize("position", [(0, 0, 0), (480, 200, 80), (-300, 900, 1e4)])
@pytest.mark.parametrize("plane", ["xy", "xz", "yz"])
def test_at_the_border_it_is_smaller_and_never_empty(tomogram, plane, position):
    cut = thick_slice(tomogram, plane, position, 5, 40.0)
    assert cut.values.size > 0
    assert np.isfinite(cut.values).all()


def test_dark_stays_dark_and_gold_does_not_take_the_range():
    values = np.linspace(1e-6, 2e-6, 10_000)
    values[0] = -1e-3
    shades = grey(values, grey_limits(values))
    assert shades[0] == 0
    assert shades[-1] == 255
    assert (np.diff(shades.astype(int)) >= 0).all()
    assert abs(int(shades[5000]) - 128) <= 2


def test_a_flat_slice_can_be_drawn():
    flat = np.full((4, 4), 3.0)
    assert len(np.unique(grey(flat, grey_limits(flat)))) == 1
