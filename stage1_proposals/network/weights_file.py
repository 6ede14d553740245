"""A network's weights on disk, with what they are for: without code, never half-written."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from picking.config import NetworkSettings
from picking.errors import InputError
from picking.files.whole_files import whole_path
from stage1_proposals.network.unet import ProposalNetwork

ENCODER_KEY = "encoder"
NETWORK_KEY = "network"
TYPES_KEY = "particle_types"
RUNS_KEY = "training_runs"


def save_weights(
    path: Path,
    network: ProposalNetwork,
    particle_types: Sequence[str],
    training_runs: Sequence[str] = (),
) -> None:
    """Write a network's weights with its settings to a safetensors file.

    ``training_runs`` names what it has learnt from, for those who start from it.
    """
    tensors = {
        name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()
    }
    metadata = {
        ENCODER_KEY: network.encoder_name,
        NETWORK_KEY: network.settings.model_dump_json(),
        TYPES_KEY: json.dumps(list(particle_types)),
        RUNS_KEY: json.dumps(list(training_runs)),
    }
    with whole_path(path) as unfinished:
        safetensors.torch.save_file(tensors, unfinished, metadata=metadata)


@dataclass(frozen=True)
class StoredWeights:
    """A network's weights, and what they are for."""

    encoder: str
    settings: NetworkSettings
    particle_types: list[str]
    training_runs: list[str]
    tensors: dict[str, Tensor]

    @property
    def network_name(self) -> str:
        """The network in words, for messages."""
        channels = ", ".join(str(number) for number in self.settings.decoder_channels)
        return (
            f"{self.encoder}, depth {self.settings.depth}, decoder_channels [{channels}], "
            f"output_stride {self.settings.output_stride}"
        )


def read_weights(path: Path, fix: str) -> StoredWeights:
    """Read what :func:`save_weights` wrote.

    Parameters
    ----------
    path : Path
        The file.
    fix : str
        What to do if it cannot be read.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        return StoredWeights(
            metadata[ENCODER_KEY],
            NetworkSettings.model_validate_json(metadata[NETWORK_KEY]),
            list(json.loads(metadata[TYPES_KEY])),
            list(json.loads(metadata.get(RUNS_KEY, "[]"))),
            safetensors.torch.load_file(path),
        )
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise InputError(path, f"these weights cannot be read ({error})", fix) from error


def load_network(path: Path, particle_types: Sequence[str]) -> ProposalNetwork:
    """Read what :func:`save_weights` wrote, ready to predict.

    Raises
    ------
    InputError
        If the file is missing or damaged, or its particle types are others.
    """
    fix = "train stage 1 again"
    stored = read_weights(path, fix)
    types = stored.particle_types
    if types != list(particle_types):
        raise InputError(path, f"these weights are for the types {', '.join(types)}", fix)
    network = ProposalNetwork(stored.encoder, stored.settings, len(types))
    network.load_state_dict(stored.tensors)
    return network.eval()
