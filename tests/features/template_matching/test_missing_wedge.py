"""The missing wedge of noise that was filtered by one, here by its definition."""

import numpy as np
import pytest
import scipy.fft

from features.template_matching.missing_wedge import MissingWedge, measure_wedge
from features.template_matching.whitening import frequencies

VOXEL_ANGSTROM = 10.0
SHAPE_ZYX = (40, 96, 96)


def spectrum_of(values_zyx):
    transform = scipy.fft.rfftn(values_zyx)
    return transform, frequencies(values_zyx.shape, np.full(3, VOXEL_ANGSTROM))


def noise_within(tilt_range_degrees, tilt_axis, shape_zyx=SHAPE_ZYX):
    """Noise of the frequencies that projections between the tilts hold."""
    noise = np.random.default_rng(0).normal(size=shape_zyx)
    transform, (kz, ky, kx) = spectrum_of(noise)
    across = {"y": kx, "x": ky}[tilt_axis]
    steepness = np.degrees(np.arctan2(np.abs(kz), np.abs(across + 0 * kz)))
    return scipy.fft.irfftn(transform * (steepness <= tilt_range_degrees), s=shape_zyx)


@pytest.mark.parametrize("tilt_range_degrees", [45, 60])
@pytest.mark.parametrize("tilt_axis", ["y", "x"])
def test_the_wedge_is_measured_about_the_axis_that_was_tilted_about(tilt_range_degrees, tilt_axis):
    transform, k = spectrum_of(noise_within(tilt_range_degrees, tilt_axis))
    wedge = measure_wedge(np.abs(transform) ** 2, *k)
    assert wedge.tilt_axis == tilt_axis
    assert wedge.tilt_range_degrees == pytest.approx(tilt_range_degrees, abs=5)


def test_noise_reduction_that_fades_towards_the_highest_tilts_hides_no_wedge():
    transform, (kz, ky, kx) = spectrum_of(noise_within(60, "y"))
    faded = np.abs(transform) ** 2 * np.exp(-np.arctan2(np.abs(kz), np.abs(kx)))
    assert measure_wedge(faded, kz, ky, kx).tilt_range_degrees == pytest.approx(60, abs=5)


@pytest.mark.parametrize("colour", [0, 2])
def test_nothing_is_missing_in_noise(colour):
    transform, (kz, ky, kx) = spectrum_of(np.random.default_rng(1).normal(size=SHAPE_ZYX))
    power = np.abs(transform) ** 2 / (1e-4 + kz**2 + ky**2 + kx**2) ** colour
    assert measure_wedge(power, kz, ky, kx) == MissingWedge()


@pytest.mark.parametrize("tilt_axis", ["y", "x"])
def test_a_wedge_holds_what_projections_between_the_tilts_hold(tilt_axis):
    wedge = MissingWedge(60, tilt_axis)
    along_z, flat = np.array([1.0]), np.array([0.0])
    across = np.array([1.0])
    at_50, at_70 = np.tan(np.radians([50.0, 70.0]))
    place = {"y": lambda kz: (kz, flat, across), "x": lambda kz: (kz, across, flat)}[tilt_axis]
    assert wedge.holds(*place(np.array([at_50])))
    assert not wedge.holds(*place(np.array([at_70])))
    assert not wedge.holds(*place(np.array([-at_70])))
    assert not wedge.holds(along_z, flat, flat)
    assert MissingWedge().holds(along_z, flat, flat)
