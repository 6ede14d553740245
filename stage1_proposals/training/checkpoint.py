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
    """Make the exponential moving average of a network's weights and batch statistics.

    The weights before the first step, from which the average would otherwise start, count for
    nothing (as Adam's moments are corrected: Kingma and Ba, ICLR 2015): after a short training they
    would still hold a good part of it.
    """

    @torch.no_grad()
    def update(
        averaged: list[torch.Tensor] | tuple[torch.Tensor, ...],
        current: list[torch.Tensor] | tuple[torch.Tensor, ...],
        number_averaged: torch.Tensor | int,
    ) -> None:
        # torch takes the weights after the first step as they are, and calls this from the second.
        # As a tensor: a number would have to wait for a GPU.
        steps = torch.as_tensor(number_averaged, dtype=torch.float32) + 1
        share = (1 - decay) / (1 - decay**steps)
        for mean, now in zip(averaged, current, strict=True):
            if mean.is_floating_point():
                mean.lerp_(now, share.to(mean.dtype))
            else:
                mean.copy_(now)

    return torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=update, use_buffers=True)
