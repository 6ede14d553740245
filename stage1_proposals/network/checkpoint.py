"""Weights and training states on disk: never a pickle of arbitrary objects, never half-written."""

import hashlib
import json
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from picking.config import NetworkSettings
from picking.errors import InputError
from picking.files.whole_files import whole_path
from stage1_proposals.network.unet import ProposalNetwork
from stage1_proposals.training.crops import TrainingVolume

ENCODER_KEY = "encoder"
NETWORK_KEY = "network"
TYPES_KEY = "particle_types"


def save_weights(path: Path, network: ProposalNetwork, particle_types: Sequence[str]) -> None:
    """Write a network's weights with its settings to a safetensors file."""
    tensors = {
        name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()
    }
    metadata = {
        ENCODER_KEY: network.encoder_name,
        NETWORK_KEY: network.settings.model_dump_json(),
        TYPES_KEY: json.dumps(list(particle_types)),
    }
    with whole_path(path) as unfinished:
        safetensors.torch.save_file(tensors, unfinished, metadata=metadata)


def load_network(path: Path, particle_types: Sequence[str]) -> ProposalNetwork:
    """Read what :func:`save_weights` wrote, ready to predict.

    Raises
    ------
    InputError
        If the file is missing or damaged, or its particle types are others.
    """
    fix = "train stage 1 again"
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        settings = NetworkSettings.model_validate_json(metadata[NETWORK_KEY])
        encoder = metadata[ENCODER_KEY]
        trained_types = json.loads(metadata[TYPES_KEY])
        tensors = safetensors.torch.load_file(path)
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise InputError(path, f"these weights cannot be read ({error})", fix) from error
    if trained_types != list(particle_types):
        raise InputError(path, f"these weights are for the types {', '.join(trained_types)}", fix)
    network = ProposalNetwork(encoder, settings, len(trained_types))
    network.load_state_dict(tensors)
    return network.eval()


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
