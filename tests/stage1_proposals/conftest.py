"""A network small enough for tests, and tomograms with balls in them."""

import numpy as np
import pandas as pd
import pytest

from picking.config import NetworkSettings, ParticleType, Stage1Settings
from picking.coordinates import indices_zyx_to_angstrom_xyz
from picking.files.tomogram import Tomogram

VOXEL_SIZE = np.array([10.0, 10.0, 10.0])


@pytest.fixture
def particles() -> tuple[ParticleType, ...]:
    return (
        ParticleType(name="ball", label=1, radius_angstrom=60),
        ParticleType(name="giant", label=2, radius_angstrom=120),
    )


@pytest.fixture
def tiny_settings() -> Stage1Settings:
    return Stage1Settings.model_validate(
        {
            "network": {"depth": 2, "decoder_channels": [8]},
            "training": {
                "max_steps": 6,
                "epochs": 1000,
                "batch_size": 2,
                "crop_zyx": [16, 16, 16],
                "checkpoint_every": 3,
                "ema_decay": 0.5,
            },
            "prediction": {"window_zyx": [16, 32, 32], "passes": 2},
        }
    )


@pytest.fixture
def network_settings(tiny_settings: Stage1Settings) -> NetworkSettings:
    return tiny_settings.network


def ball_tomogram(run: str, seed: int) -> tuple[Tomogram, pd.DataFrame]:
    """Make a noisy tomogram with three dark balls, and their picks."""
    rng = np.random.default_rng(seed)
    shape = (20, 40, 36)
    values = rng.standard_normal(shape).astype(np.float32)
    centres = np.stack([rng.uniform(6, np.array(shape) - 6) for _ in range(3)])
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    for centre in centres:
        values[((grid - centre) ** 2).sum(-1) < 25] -= 3
    xyz = indices_zyx_to_angstrom_xyz(centres, VOXEL_SIZE)
    truth = pd.DataFrame(xyz, columns=["x", "y", "z"])
    truth.insert(0, "run", run)
    truth.insert(1, "particle_type", "ball")
    return Tomogram(run, values * 1e-6, VOXEL_SIZE), truth
