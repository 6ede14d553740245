import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from features.template_matching.orientations import even_quaternions


@pytest.mark.parametrize(("number", "farthest_degrees"), [(150, 50), (600, 32)])
def test_no_orientation_is_far_from_the_nearest(number, farthest_degrees):
    """A random turn's angle to the nearest; random orientations leave gaps twice as wide."""
    quaternions = even_quaternions(number)
    np.testing.assert_allclose(np.linalg.norm(quaternions, axis=1), 1)
    random = Rotation.random(4000, np.random.default_rng(0)).as_quat()
    nearest = np.abs(random @ quaternions.T).max(axis=1)
    assert np.degrees(2 * np.arccos(nearest.min())) < farthest_degrees


def test_no_axis_is_preferred():
    turned = Rotation.from_quat(even_quaternions(600)).apply([1.0, 0.0, 0.0])
    np.testing.assert_allclose(turned.mean(axis=0), 0, atol=0.02)
    np.testing.assert_allclose(turned.T @ turned / len(turned), np.eye(3) / 3, atol=0.02)


def test_one_orientation_is_one():
    assert even_quaternions(1).shape == (1, 4)
