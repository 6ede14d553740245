"""The state of an unfinished training on disk: never a pickle of arbitrary objects."""

import hashlib
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from picking.files.whole_files import whole_path
from stage1_proposals.training.crops import TrainingVolume


@dataclass(frozen=True)
class TrainingState:
    """A training that was interrupted after ``step`` steps."""

    step: int
    network: dict[str, Any]
    averaged: dict[str, Any]
    optimiser: dict[str, Any]
    scaler: dict[str, Any]
    curve: list[tuple[int, float, float]]


def training_key(volumes: Sequence[TrainingVolume], *settings: object) -> str:
    """Digest of all that a training depends on; a checkpoint of another key is not resumed."""
    digest = hashlib.sha256("\n".join(str(setting) for setting in settings).encode())
    for volume in volumes:
        for tensor in (volume.values_zyx, volume.targets_tzyx, volume.counted_zyx):
            digest.update(str(tuple(tensor.shape)).encode())
            digest.update(tensor.numpy().data)
    return digest.hexdigest()


def save_state(path: Path, key: str, state: TrainingState) -> None:
    """Write a training state, whole or not at all."""
    with whole_path(path) as unfinished, unfinished.open("wb") as file:
        torch.save({"key": key, **state.__dict__}, file)


def load_state(path: Path, key: str) -> TrainingState | None:
    """Read a training state of the same key; None if there is none that can be used."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError):
        return None
    if content.pop("key", None) != key:
        return None
    return TrainingState(**content)


def new_average(network: nn.Module, decay: float) -> torch.optim.swa_utils.AveragedModel:
    """Make the exponential moving average of a network's weights and batch statistics."""
    return torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(decay), use_buffers=True
    )
