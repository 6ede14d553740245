from dataclasses import replace

import pytest
import torch
from torch import nn

from picking.config import NetworkSettings
from stage1_proposals.compute_device import ComputeDevice, find_device
from stage1_proposals.fast_network import PoolAsGiven, fast_network
from stage1_proposals.network import ProposalNetwork

SETTINGS = NetworkSettings(depth=3, decoder_channels=(8, 4))
FLOAT32 = replace(find_device(1), device=torch.device("cpu"), half_dtype=None)
# Largest difference of two probabilities: what the eight bits of bfloat16 round off, which is the
# tolerance that is stated in docs/performance.md.
BFLOAT16_TOLERANCE = 0.02


def trained(encoder: str) -> ProposalNetwork:
    """Network whose normalisation has seen something, so that folding has something to do."""
    torch.manual_seed(0)
    network = ProposalNetwork(encoder, SETTINGS, 2)
    # Probabilities that spread over their whole range.
    nn.init.normal_(network.head[0].weight, std=1.0)
    nn.init.zeros_(network.head[0].bias)
    for _ in range(20):
        network(3 + 2 * torch.randn(2, 1, 16, 16, 16))
    return network.eval()


def scores(
    network: ProposalNetwork, volume: torch.Tensor, device: ComputeDevice = FLOAT32
) -> torch.Tensor:
    with torch.inference_mode(), device.autocast():
        return network(volume).logits.sigmoid()


def normalisations(network: ProposalNetwork) -> int:
    return sum(isinstance(module, nn.BatchNorm3d) for module in network.modules())


@pytest.mark.parametrize(
    ("encoder", "all_folded"),
    # Densenet normalises before its convolutions, so that most stay apart.
    [("resnet18", True), ("efficientnet-b0", True), ("tu-resnet18", True), ("densenet121", False)],
)
def test_answers_as_before(encoder: str, all_folded: bool) -> None:
    network = trained(encoder)
    volume = torch.randn(1, 1, 32, 16, 16, generator=torch.Generator().manual_seed(1))
    expected = scores(network, volume)

    folded = fast_network(network, FLOAT32)
    assert scores(folded, volume) == pytest.approx(expected.numpy(), abs=1e-4)
    assert normalisations(network) > 0
    assert normalisations(folded) < normalisations(network)
    assert normalisations(folded) == 0 or not all_folded

    half = replace(FLOAT32, half_dtype=torch.bfloat16)
    in_half = fast_network(network, half)
    for part in (in_half.encoder, in_half.decoder):
        for module in part.modules():
            if isinstance(module, nn.Conv3d):
                assert module.weight.dtype == torch.bfloat16
    answer = scores(in_half, volume, half)
    assert answer.dtype == torch.float32
    assert answer == pytest.approx(expected.numpy(), abs=BFLOAT16_TOLERANCE)
    assert expected.std() > 2 * BFLOAT16_TOLERANCE  # there is something to get wrong

    assert torch.equal(scores(network, volume), expected)


def test_a_convolution_that_is_read_twice_is_left_as_it_is() -> None:
    network = trained("resnet18")
    stem = network.encoder.conv1

    class ReadTwice(nn.Module):
        """Normalises, and adds what it was given."""

        def __init__(self, normalisation: nn.Module) -> None:
            super().__init__()
            self.normalisation = normalisation

        def forward(self, answer: torch.Tensor) -> torch.Tensor:
            return self.normalisation(answer) + answer

    assert isinstance(stem, nn.Conv3d)
    network.encoder.bn1 = ReadTwice(network.encoder.bn1)
    volume = torch.randn(1, 1, 16, 16, 16, generator=torch.Generator().manual_seed(1))
    answer = scores(fast_network(network, FLOAT32), volume)
    assert answer == pytest.approx(scores(network, volume).numpy(), abs=1e-6)


def test_pooling_keeps_the_precision_of_its_input() -> None:
    half = replace(FLOAT32, half_dtype=torch.bfloat16)
    fast = fast_network(trained("resnet18"), half)
    assert isinstance(fast.encoder.maxpool, PoolAsGiven)
    with half.autocast():
        assert fast.encoder.maxpool(torch.zeros(1, 1, 4, 4, 4).bfloat16()).dtype == torch.bfloat16


def test_a_network_in_training_stays_in_training() -> None:
    network = trained("resnet18").train()
    assert not fast_network(network, FLOAT32).training
    assert network.training
