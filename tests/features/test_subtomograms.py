import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.subtomograms import cut_subtomograms, halved, level_for_radius, make_resolution_levels
from picking.particle_grid import particle_grid
from tests.features.made_data import VOXEL_SIZE_ZYX

SHAPE_ZYX = (50, 60, 70)
UNEVEN_VOXELS_ZYX = np.array([9.0, 10.0, 11.0])


def ramp(slope_zyx, shape_zyx=SHAPE_ZYX):
    """Values that rise linearly, in units per Å."""
    axes = [np.arange(side) * size for side, size in zip(shape_zyx, UNEVEN_VOXELS_ZYX, strict=True)]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    return (slope_zyx[0] * z + slope_zyx[1] * y + slope_zyx[2] * x).astype(np.float32)


# Radii that take the full-size, the half-size and the quarter-size level.
@pytest.mark.parametrize(("radius", "level"), [(50.0, 0), (100.0, 1), (150.0, 1), (170.0, 2)])
@settings(deadline=None, max_examples=15)
@given(
    slope_zyx=st.tuples(*[st.floats(-0.01, 0.01)] * 3),
    place=st.tuples(*[st.floats(0, 1)] * 3),
)
def test_a_linear_ramp_is_cut_exactly_at_any_fractional_position(radius, level, slope_zyx, place):
    assert level_for_radius(radius, UNEVEN_VOXELS_ZYX) == level
    resolutions = make_resolution_levels(ramp(slope_zyx, (70, 70, 70)), UNEVEN_VOXELS_ZYX, level)
    # Far enough from the border for the cube, and for the half voxel that a level's edge lacks.
    room = 1.5 * radius + 2**level * UNEVEN_VOXELS_ZYX.max()
    extent_xyz = 69 * UNEVEN_VOXELS_ZYX[::-1]
    position_xyz = room + np.array(place) * (extent_xyz - 2 * room)
    cube = cut_subtomograms(resolutions, position_xyz[None], radius)
    points_zyx = position_xyz[::-1] + particle_grid().offsets_zyx * radius
    np.testing.assert_allclose(cube.values[0], points_zyx @ slope_zyx, atol=1e-4)
    assert cube.inside_fraction[0] == 1


def test_inside_fraction_at_face_edge_and_corner():
    resolutions = make_resolution_levels(np.zeros((100, 100, 100), np.float32), VOXEL_SIZE_ZYX, 1)
    middle, face = 500.0, -5.0  # the first voxel begins half a voxel before its centre
    positions = np.array(
        [[middle, middle, middle], [middle, middle, face], [middle, face, face], [face, face, face]]
    )
    inside = cut_subtomograms(resolutions, positions, 100.0).inside_fraction
    # The grid's middle plane lies on the face and counts as inside.
    np.testing.assert_allclose(inside, [1, 0.5, 0.25, 0.125], atol=0.1)
    assert inside[0] == 1
    assert np.all(np.diff(inside) < 0)


def test_beyond_the_border_the_tomogram_is_mirrored():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(40, 40, 40)).astype(np.float32)
    resolutions = make_resolution_levels(values, VOXEL_SIZE_ZYX, 0)
    cube = cut_subtomograms(resolutions, np.array([[200.0, 0.0, 200.0]]), 50.0).values_nzyx[0]
    np.testing.assert_allclose(cube, cube[:, ::-1], atol=1e-5)


def test_halving_averages_and_repeats_an_odd_last_layer():
    values = np.arange(3 * 2 * 2, dtype=np.float32).reshape(3, 2, 2)
    np.testing.assert_allclose(halved(values).ravel(), [values[:2].mean(), values[2].mean()])
