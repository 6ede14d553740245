import math

import numpy as np
import pytest
import torch

from picking.config import ParticleType, Stage1Settings
from stage1_proposals.crops import cut_crop, prepare_volume
from stage1_proposals.rotation import rotated_crop
from tests.stage1_proposals.conftest import ball_tomogram

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


def test_a_turned_crop_and_its_targets_stay_together(
    particles: tuple[ParticleType, ...], tiny_settings: Stage1Settings
) -> None:
    tomogram, truth = ball_tomogram("a", 0)
    volume = prepare_volume(tomogram, truth, particles, tiny_settings)
    pick_zyx = volume.picks_zyx[0][0]
    inside = np.array(volume.values_zyx.shape) - 16
    start = [int(first) // 2 * 2 for first in np.clip(pick_zyx - 6, 0, inside)]
    for angle in np.linspace(0.3, 6, 7):
        values, targets, counted = cut_crop(volume, start, (16, 16, 16), 2, angle)
        darkness = -torch.nn.functional.avg_pool3d(values, 2)[0]
        target = targets[0]
        assert target.max() > 0.3
        assert counted.shape == (1, 8, 8, 8)
        assert (darkness * target).sum() / target.sum() > darkness[counted[0] > 0].mean() + 1
