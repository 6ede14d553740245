import math

import numpy as np
import pandas as pd
import pytest
import torch

from picking.config import ParticleType, Stage1Settings
from picking.coordinates import indices_zyx_to_angstrom_xyz
from picking.files.tomogram import Tomogram
from stage1_proposals.training.crops import cut_crop, prepare_volume
from stage1_proposals.training.rotation import rotated_crop
from tests.stage1_proposals.conftest import VOXEL_SIZE

START, SIDES = (2, 10, 12), (6, 8, 8)


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_quarter_turns_are_exact(quarters: int) -> None:
    volume = torch.randn(2, 10, 30, 34)
    box = volume[:, 2:8, 10:18, 12:20]
    turned = rotated_crop(volume, START, SIDES, quarters * math.pi / 2)
    # From x towards y: what lies along y in the volume comes to lie along x.
    np.testing.assert_allclose(turned, torch.rot90(box, quarters, dims=(-2, -1)), atol=1e-5)


def test_what_lies_outside_is_zero() -> None:
    turned = rotated_crop(torch.ones(1, 10, 30, 34), (0, 0, 0), SIDES, math.pi / 4)
    assert turned.shape == (1, *SIDES)
    assert turned[0, :, 4, 4].min() == 1
    assert turned[0, :, 0, 0].max() == 0


@pytest.mark.parametrize("angle", [0.0, 0.4, 2.0, -1.1])
def test_values_and_targets_turn_alike_about_the_middle(
    particles: tuple[ParticleType, ...], tiny_settings: Stage1Settings, angle: float
) -> None:
    # One dark Gaussian well off the crop's axis, and its pick.
    start, sides, off_axis_yx = np.array([2, 10, 12]), (16, 16, 16), np.array([-4.0, 2.5])
    middle = start + 7.5
    centre = middle + np.array([0.0, *off_axis_yx])
    grid = np.stack(np.indices((20, 40, 44)), axis=-1)
    values = -np.exp(-((grid - centre) ** 2).sum(-1) / (2 * 2.0**2)).astype(np.float32)
    truth = pd.DataFrame(indices_zyx_to_angstrom_xyz(centre, VOXEL_SIZE), columns=["x", "y", "z"])
    truth = truth.assign(run="a", particle_type="ball")
    tomogram = Tomogram("a", values, VOXEL_SIZE)
    volume = prepare_volume(tomogram, truth, particles, tiny_settings)
    cut, targets, counted = cut_crop(volume, start.tolist(), sides, 2, angle)
    assert counted.min() == 1

    # Output voxel o shows the volume at middle + R(o - middle), R from x towards y.
    y, x = off_axis_yx
    expected_yx = 7.5 + np.array(
        [np.cos(angle) * y - np.sin(angle) * x, np.cos(angle) * x + np.sin(angle) * y]
    )
    expected = np.array([7.5, *expected_yx])
    darkness = (cut[0].max() - cut[0]).numpy()
    np.testing.assert_allclose(centroid(darkness > 0.5 * darkness.max()), expected, atol=0.4)
    np.testing.assert_allclose(centroid(targets[0].numpy()), (expected - 0.5) / 2, atol=0.2)


def centroid(weights: np.ndarray) -> np.ndarray:
    grid = np.indices(weights.shape)
    return np.array([(axis * weights).sum() / weights.sum() for axis in grid])
