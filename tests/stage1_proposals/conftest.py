"""A network small enough for tests, and tomograms with balls in them."""

from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
import pytest

from picking.config import NetworkSettings, ParticleType, PipelineConfig, Stage1Settings
from picking.coordinates import indices_zyx_to_angstrom_xyz
from picking.files.picks_density import PicksDensity
from picking.files.precision import Precision
from picking.files.tables import TRUTH
from picking.files.tomogram import Tomogram
from picking.scoring.folds import Folds
from stage1_proposals.train import train_fold

VOXEL_SIZE = np.array([10.0, 10.0, 10.0])
# Of the commands' tests.
RUNS = ("a", "b", "c")
FOLDS = Folds((("a",), ("b", "c")))
MEMBER = "resnet18-seed0"


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


@pytest.fixture
def config(particles: tuple[ParticleType, ...], tiny_settings: Stage1Settings) -> PipelineConfig:
    training = tiny_settings.training.model_copy(update={"max_steps": 1})
    settings = tiny_settings.model_copy(update={"training": training})
    return PipelineConfig(particles=particles, stage1_proposals=settings)


@pytest.fixture
def folds(tmp_path: Path) -> Path:
    FOLDS.write(tmp_path / "folds.json")
    return tmp_path / "folds.json"


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    tables = [ball_tomogram(run, seed)[1] for seed, run in enumerate(RUNS)]
    TRUTH.write(pd.concat(tables, ignore_index=True), tmp_path / "truth.csv")
    return tmp_path / "truth.csv"


@pytest.fixture
def density(tmp_path: Path) -> Path:
    tomograms = {run: ball_tomogram(run, seed) for seed, run in enumerate(RUNS)}
    picks = pd.concat([truth for _, truth in tomograms.values()], ignore_index=True)
    volumes = {run: item.volume_cubic_angstrom for run, (item, _) in tomograms.items()}
    PicksDensity.of_truth(picks, volumes).write(tmp_path / "picks_density.json")
    return tmp_path / "picks_density.json"


@pytest.fixture
def precision(tmp_path: Path) -> Path:
    Precision(precision="float32").write(tmp_path / "precision.json")
    return tmp_path / "precision.json"


@pytest.fixture
def runs_read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Runs whose tomograms the commands have read; they are made here."""
    read: list[str] = []

    def read_tomogram(copick: Path, run: str, *kind: object) -> Tomogram:
        read.append(run)
        return ball_tomogram(run, RUNS.index(run) if run in RUNS else 9)[0]

    for module in ("train", "propose"):
        monkeypatch.setattr(f"stage1_proposals.{module}.read_tomogram", read_tomogram)
        monkeypatch.setattr(f"stage1_proposals.{module}.read_mask", lambda *_: None)
    return read


class TrainFold(Protocol):
    """Train a fold's member on the made runs, as the command does."""

    def __call__(self, config: PipelineConfig, fold: int, output: Path) -> None: ...


@pytest.fixture
def train(
    folds: Path, truth: Path, density: Path, precision: Path, runs_read: list[str], tmp_path: Path
) -> TrainFold:
    copick = tmp_path / "copick.json"

    def train_on_made_runs(config: PipelineConfig, fold: int, output: Path) -> None:
        train_fold(config, folds, fold, "resnet18", 0, copick, truth, density, precision, output)

    return train_on_made_runs


@pytest.fixture
def stage1(config: PipelineConfig, train: TrainFold, runs_read: list[str], tmp_path: Path) -> Path:
    """Folder with a trained member of every fold."""
    stage1 = tmp_path / "stage1"
    for fold in range(FOLDS.number):
        train(config, fold, stage1 / MEMBER / f"fold{fold}")
    runs_read.clear()
    return stage1
