"""A trained network made fast for prediction, without a change of what it answers.

Batch normalisation of a trained network is a constant scale and offset of every channel, which
the convolution before it can apply by itself.
"""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from stage1_proposals.compute_device import ComputeDevice
from stage1_proposals.network import PROBE_SIDE, ProposalNetwork

# Largest change of a logit that folding may make on the probe, as a share of the largest logit: a
# hundred times what float32 rounds off, and far below what a wrong pair would change.
FOLDING_TOLERANCE = 1e-3
# What the probe is drawn from.
PROBE_SEED = 0


def fast_network(network: ProposalNetwork, device: ComputeDevice) -> ProposalNetwork:
    """Copy a network to a device, folded, with its convolutions in the device's half precision.

    All else stays in float32: the head, as half precision would tie the scores of neighbouring
    voxels, and what autocast keeps in float32.

    Parameters
    ----------
    network : ProposalNetwork
        Trained, wherever it lies; not changed.
    device : ComputeDevice
        Where it is going to predict.

    Returns
    -------
    ProposalNetwork
        In evaluation mode, to be run under ``device.autocast()``.
    """
    # On the CPU, where float32 is exact: a GPU may round convolutions in a way that looks like a
    # wrong pair.
    folded = _folded(copy.deepcopy(network).cpu().eval())
    if device.half_dtype is not None:
        for part in (folded.encoder, folded.decoder):
            for name, module in list(part.named_modules()):
                if isinstance(module, nn.Conv3d):
                    module.to(device.half_dtype)
                elif isinstance(module, nn.MaxPool3d):
                    part.set_submodule(name, PoolAsGiven(module))
    return folded.to(device.device, memory_format=device.memory_format)


class PoolAsGiven(nn.Module):
    """Maximum in the precision of its input, which is exact; autocast would copy it to float32."""

    def __init__(self, pool: nn.MaxPool3d) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, volumes: Tensor) -> Tensor:
        """Pool (N, C, Z, Y, X)."""
        with torch.autocast(volumes.device.type, enabled=False):
            return self.pool(volumes)


def _folded(network: ProposalNetwork) -> ProposalNetwork:
    """Copy in which convolutions do what the normalisation behind them did.

    Pairs are found by watching a volume go through the network, whatever its encoder. An encoder
    may use a convolution's answer a second time, which no such pair may do: if the copy answers
    differently, the network itself is returned.
    """
    probe = torch.randn(
        (1, 1, PROBE_SIDE, PROBE_SIDE, PROBE_SIDE),
        generator=torch.Generator().manual_seed(PROBE_SEED),
    )
    folded = copy.deepcopy(network)
    # Parameters that are made under a caller's inference mode could not be moved or copied later.
    with torch.inference_mode(False), torch.no_grad():
        expected = network(probe).logits
        for convolution_name, normalisation_name in _normalised_convolutions(folded, probe):
            convolution = folded.get_submodule(convolution_name)
            normalisation = folded.get_submodule(normalisation_name)
            folded.set_submodule(convolution_name, fuse_conv_bn_eval(convolution, normalisation))
            folded.set_submodule(normalisation_name, nn.Identity())
        difference = (folded(probe).logits - expected).abs().max()
    if difference > FOLDING_TOLERANCE * expected.abs().max():
        return network
    return folded


def _normalised_convolutions(network: nn.Module, probe: Tensor) -> list[tuple[str, str]]:
    """Names of convolutions and of the batch normalisations that take their answers."""
    names = {module: name for name, module in network.named_modules()}
    # The answers themselves are kept, so that no later tensor gets the identity of one of them.
    answers: dict[int, tuple[Tensor, str]] = {}
    pairs = []

    def remember(module: nn.Module, _: Sequence[Tensor], answer: Tensor) -> None:
        answers[id(answer)] = (answer, names[module])

    def pair(module: nn.Module, inputs: Sequence[Tensor]) -> None:
        if id(inputs[0]) in answers:
            pairs.append((answers[id(inputs[0])][1], names[module]))

    hooks = []
    for module in network.modules():
        if isinstance(module, nn.Conv3d):
            hooks.append(module.register_forward_hook(remember))
        elif isinstance(module, nn.BatchNorm3d):
            hooks.append(module.register_forward_pre_hook(pair))
    network(probe)
    for hook in hooks:
        hook.remove()
    return pairs
