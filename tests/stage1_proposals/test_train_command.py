"""The command train: nothing is learnt from the runs that a fold judges."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from picking.config import PeakSettings, PipelineConfig
from picking.errors import InputError
from picking.files.training_record import TrainingRecord
from picking.scoring.folds import Folds
from stage1_proposals.device.compute_device import find_device
from stage1_proposals.network.unet import ProposalNetwork
from stage1_proposals.network.weights_file import read_weights, save_weights
from stage1_proposals.training.optimisation import Checkpoints
from tests.stage1_proposals.conftest import FOLDS, TrainFold


@pytest.mark.parametrize("fold", [0, 1])
def test_a_fold_is_trained_without_the_runs_that_it_judges(
    config: PipelineConfig,
    train: TrainFold,
    runs_read: list[str],
    tmp_path: Path,
    fold: int,
) -> None:
    output = tmp_path / "member"
    output.mkdir()
    (output / ".0123abcd-unfinished-checkpoint.pt").touch()  # of a process that was killed
    train(config, fold, output)
    assert sorted(runs_read) == list(FOLDS.training_runs(fold))
    curve_file = output / "training_curve.csv"
    curve = pd.read_csv(curve_file)
    assert curve["step"].tolist() == [1]
    assert np.isfinite(curve["loss"]).all()
    record = TrainingRecord.read(output / "training.json")
    assert (record.encoder, record.fold, record.seed, record.steps) == ("resnet18", fold, 0, 1)
    assert record.runs == len(FOLDS.training_runs(fold))
    assert record.precision == "float32"
    assert record.device.split(",")[0] == find_device(1).device.type
    assert {path.name for path in output.iterdir()} == {
        "weights.safetensors",
        "training.json",
        curve_file.name,
    }


def test_a_checkpoint_of_a_training_of_another_length_is_not_resumed(
    config: PipelineConfig,
    train: TrainFold,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The length follows from code as well, where the settings leave it open."""
    keys = []

    def keep_key(*arguments: object) -> None:
        keys.extend(one.key for one in arguments if isinstance(one, Checkpoints))
        raise InterruptedError

    monkeypatch.setattr("stage1_proposals.train.train_member", keep_key)
    for steps in (400, 400, 1000):
        monkeypatch.setattr("stage1_proposals.train.number_of_steps", lambda *_, n=steps: n)
        with pytest.raises(InterruptedError):
            train(config, 0, tmp_path)
    assert keys[0] == keys[1] != keys[2]


def test_weights_know_what_their_start_has_learnt_from(
    config: PipelineConfig,
    train: TrainFold,
    folds: Path,
    tmp_path: Path,
) -> None:
    """However many trainings lie between a network and one that has seen a judged run."""
    settings = config.stage1_proposals
    network = ProposalNetwork("resnet18", settings.network, 1)
    save_weights(tmp_path / "earlier.safetensors", network, ["ball"], ["elsewhere"])

    def train_from(start: Path, output: Path) -> Path:
        begun = settings.model_copy(update={"start": start})
        changed = config.model_copy(update={"stage1_proposals": begun})
        output.mkdir()
        train(changed, 0, output)
        return output / "weights.safetensors"

    weights = train_from(tmp_path / "earlier.safetensors", tmp_path / "first")
    assert read_weights(weights, "").training_runs == ["b", "c", "elsewhere"]
    Folds((("elsewhere", "a"), ("b", "c"))).write(folds)
    with pytest.raises(InputError, match="has learnt from elsewhere, which this result judges"):
        train_from(weights, tmp_path / "second")


def test_settings_that_would_lose_picks_are_refused_before_anything_is_trained(
    config: PipelineConfig,
    train: TrainFold,
    runs_read: list[str],
    tmp_path: Path,
) -> None:
    peaks = PeakSettings(candidates_per_pick=1, least_candidates=1, even_share=1.0)
    settings = config.stage1_proposals.model_copy(update={"peaks": peaks})
    few = config.model_copy(update={"stage1_proposals": settings})
    with pytest.raises(InputError, match="candidates_per_pick"):
        train(few, 0, tmp_path)
    assert runs_read == []
