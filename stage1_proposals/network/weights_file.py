"""A network's weights on disk, with what they are for: without code, never half-written."""

import json
from collections.abc import Sequence
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError, safe_open

from picking.config import NetworkSettings
from picking.errors import InputError
from picking.files.whole_files import whole_path
from stage1_proposals.network.unet import ProposalNetwork

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
