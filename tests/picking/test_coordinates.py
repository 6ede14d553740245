import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from picking.coordinates import (
    angstrom_xyz_to_indices_zyx,
    angstrom_xyz_to_voxels_xyz,
    centred_xyz_angstrom,
    extent_xyz_angstrom,
    indices_zyx_to_angstrom_xyz,
)

VOXEL_SIZE_ZYX = np.array([10.0, 20.0, 40.0])

indices = arrays(np.float64, st.tuples(st.integers(0, 5), st.just(3)), elements=st.floats(-9, 999))
voxel_sizes = arrays(np.float64, 3, elements=st.floats(0.5, 50))


def test_axes_are_turned_and_scaled_each_by_its_own_size():
    positions = indices_zyx_to_angstrom_xyz([[1, 2, 3]], VOXEL_SIZE_ZYX)
    np.testing.assert_array_equal(positions, [[120.0, 40.0, 10.0]])


def test_voxel_zero_has_its_centre_at_zero():
    np.testing.assert_array_equal(
        indices_zyx_to_angstrom_xyz([[0, 0, 0]], VOXEL_SIZE_ZYX), [[0, 0, 0]]
    )


def test_strided_voxel_lies_in_the_middle_of_the_voxels_it_covers():
    for stride in (1, 2, 4):
        covered = np.arange(3 * stride, 4 * stride)
        (position,) = indices_zyx_to_angstrom_xyz([[3, 3, 3]], np.ones(3), stride)
        np.testing.assert_array_equal(position, [covered.mean()] * 3)


@settings(deadline=None, max_examples=50)
@given(indices, voxel_sizes, st.sampled_from([1, 2, 4]))
def test_there_and_back(indices_zyx, voxel_size_zyx, stride):
    positions = indices_zyx_to_angstrom_xyz(indices_zyx, voxel_size_zyx, stride)
    back = angstrom_xyz_to_indices_zyx(positions, voxel_size_zyx, stride)
    assert positions.shape == indices_zyx.shape
    np.testing.assert_allclose(back, indices_zyx, atol=1e-9)


def test_extent_is_the_last_voxels_centre():
    np.testing.assert_array_equal(extent_xyz_angstrom((2, 3, 4), VOXEL_SIZE_ZYX), [120, 40, 10])


def test_voxels_keep_the_order_of_the_position_and_take_each_sides_own_size():
    np.testing.assert_array_equal(
        angstrom_xyz_to_voxels_xyz([[120, 40, 10]], VOXEL_SIZE_ZYX), [[3, 2, 1]]
    )


def test_the_middle_is_half_the_size_of_even_and_odd_sides():
    # Half of 4, 6 and 5 voxels z, y, x: 2 x 10 Å, 3 x 20 Å, 2.5 x 40 Å.
    centred = centred_xyz_angstrom([[0, 0, 0], [100, 60, 20]], (4, 6, 5), VOXEL_SIZE_ZYX)
    np.testing.assert_array_equal(centred, [[-100, -60, -20], [0, 0, 0]])
