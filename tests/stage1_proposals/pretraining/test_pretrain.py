import json
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
import torch

from picking.config import PretrainingSettings, Stage1Settings
from picking.synthetic.molecules import labelled_molecules
from picking.synthetic.pretraining.make_specimen import make_specimen
from picking.synthetic.pretraining.specimen_file import PretrainingSpecimen
from stage1_proposals.network.weights_file import read_weights
from stage1_proposals.pretraining.crops import (
    NO_MOLECULE,
    draw_pretraining_batch,
    prepare_specimen,
)
from stage1_proposals.pretraining.pretrain import pretrain, training_settings
from stage1_proposals.training.checkpoint import TrainingState, save_state

SPECIES = len(labelled_molecules())
STAGE1 = Stage1Settings.model_validate(
    {
        "network": {"depth": 2, "decoder_channels": [8]},
        "training": {"crop_zyx": [16, 32, 32], "checkpoint_every": 20},
    }
)
ENCODER = "resnet18-w8"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("specimens")
    paths = []
    for number in range(2):
        paths.append(folder / f"{number}.npz")
        make_specimen(1, number, shape_zyx=(64, 96, 96)).write(paths[-1])
    return paths


def test_every_molecule_stands_at_the_height_of_its_own_target(files: list[Path]) -> None:
    """However a crop is flipped and turned."""
    volumes = [prepare_specimen(PretrainingSpecimen.read(path), SPECIES, STAGE1) for path in files]
    seen = 0
    for step in range(30):
        batch = draw_pretraining_batch(volumes, STAGE1, 1.0, np.random.default_rng(step))
        assert batch.volumes.shape[2:] == (16, 32, 32)
        where = torch.nonzero(batch.molecules != NO_MOLECULE)
        for crop, z, y, x in where.tolist():
            molecule = int(batch.molecules[crop, z, y, x])
            assert batch.targets[crop, -1, z, y, x] > 0.5
            if molecule < SPECIES:
                seen += 1
                assert batch.targets[crop, molecule, z, y, x] > 0.5
    assert seen > 10


def test_crops_are_no_larger_than_specimens(files: list[Path]) -> None:
    large = STAGE1.model_copy(
        update={"training": STAGE1.training.model_copy(update={"crop_zyx": (96, 512, 64)})}
    )
    assert training_settings(large, PretrainingSettings()).training.crop_zyx == (64, 176, 64)


def test_a_pretraining_learns_and_resumes_to_the_same_weights(
    files: list[Path], tmp_path: Path
) -> None:
    settings = PretrainingSettings(steps=60, ema_decay=0.9)

    def run(folder: Path) -> dict[str, torch.Tensor]:
        pretrain(files, ENCODER, STAGE1, settings, "float32", folder)
        return read_weights(folder / "weights.safetensors", "").tensors

    unbroken = run(tmp_path / "unbroken")
    curve = pd.read_csv(tmp_path / "unbroken" / "training_curve.csv")["loss"]
    assert len(curve) == settings.steps
    assert curve[-15:].mean() < 0.8 * curve[:15].mean()
    record = json.loads((tmp_path / "unbroken" / "training.json").read_text())
    assert (record["steps"], record["runs"]) == (settings.steps, len(files))

    def save_then_stop(path: Path, key: str, state: TrainingState) -> None:
        save_state(path, key, state)
        raise KeyboardInterrupt

    with (
        patch("stage1_proposals.training.optimisation.save_state", save_then_stop),
        pytest.raises(KeyboardInterrupt),
    ):
        run(tmp_path / "broken")
    assert (tmp_path / "broken" / "checkpoint.pt").exists()
    resumed = run(tmp_path / "broken")
    assert all(torch.equal(unbroken[name], resumed[name]) for name in unbroken)
    assert not (tmp_path / "broken" / "checkpoint.pt").exists()
