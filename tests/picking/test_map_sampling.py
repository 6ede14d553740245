"""Maps read off at positions and in balls."""

import numpy as np

from picking.coordinates import indices_zyx_to_angstrom_xyz
from picking.map_sampling import at_positions, in_balls

VOXEL_SIZE_ZYX = np.array([10.0, 10.0, 10.0])
STRIDE = 2


def test_a_ball_of_maps_reaches_its_radius_and_no_farther() -> None:
    maps = np.zeros((1, 20, 20, 20), dtype=np.float32)
    maps[0, 10, 10, 14] = 1  # 80 Å from the map voxel (10, 10, 10) along x
    centre = indices_zyx_to_angstrom_xyz((10, 10, 10), VOXEL_SIZE_ZYX, STRIDE)
    for radius, expected in ((60.0, 0), (90.0, 1)):
        mean, highest = in_balls(maps, centre, np.array([radius]), VOXEL_SIZE_ZYX, STRIDE)
        assert highest[0, 0] == expected
        assert (mean[0, 0] > 0) == bool(expected)


def test_a_position_between_two_voxels_gets_what_lies_between_them() -> None:
    maps = np.random.default_rng(0).random((2, 6, 8, 10), dtype=np.float32)
    one, other = (3, 4, 5), (3, 4, 6)
    positions = indices_zyx_to_angstrom_xyz([one, np.add(one, (0, 0, 0.5))], VOXEL_SIZE_ZYX, STRIDE)
    values = at_positions(maps, positions, VOXEL_SIZE_ZYX, STRIDE)
    np.testing.assert_allclose(values[0], maps[(slice(None), *one)], rtol=1e-5)
    between = (maps[(slice(None), *one)] + maps[(slice(None), *other)]) / 2
    np.testing.assert_allclose(values[1], between, rtol=1e-5)


def test_beyond_the_border_the_nearest_voxel_counts() -> None:
    maps = np.random.default_rng(0).random((1, 6, 8, 10), dtype=np.float32)
    outside = np.array([[-500.0, -500.0, -500.0]])
    values = at_positions(maps, outside, VOXEL_SIZE_ZYX, STRIDE)
    np.testing.assert_allclose(values[0, 0], maps[0, 0, 0, 0], rtol=1e-6)
