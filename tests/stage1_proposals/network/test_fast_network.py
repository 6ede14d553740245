import pytest
import torch
from torch import nn

from picking.config import NetworkSettings
from stage1_proposals.device.compute_device import ComputeDevice
from stage1_proposals.network.fast_network import PoolAsGiven, fast_network
from stage1_proposals.network.unet import ProposalNetwork

SETTINGS = NetworkSettings(depth=3, decoder_channels=(8, 4))
FLOAT32 = ComputeDevice(torch.device("cpu"), None)
BFLOAT16 = ComputeDevice(torch.device("cpu"), torch.bfloat16)
# Largest difference of two probabilities: what the eight bits of bfloat16 round off, which is the
# tolerance that is stated in docs/performance.md.
BFLOAT16_TOLERANCE = 0.02


def trained(encoder: str) -> ProposalNetwork:
    """Network whose normalisation has seen something."""
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


@pytest.mark.parametrize(
    "encoder", ["resnet18", "resnet18-w8", "efficientnet-b0", "tu-resnet18", "densenet121"]
)
def test_answers_as_before(encoder: str) -> None:
    network = trained(encoder)
    volume = torch.randn(1, 1, 16, 16, 16, generator=torch.Generator().manual_seed(1))
    expected = scores(network, volume)

    assert scores(fast_network(network, FLOAT32), volume) == pytest.approx(
        expected.numpy(), abs=1e-5
    )

    in_half = fast_network(network, BFLOAT16)
    for part in (in_half.encoder, in_half.decoder):
        for module in part.modules():
            if isinstance(module, nn.Conv3d):
                assert module.weight.dtype == torch.bfloat16
    answer = scores(in_half, volume, BFLOAT16)
    assert answer.dtype == torch.float32
    assert answer == pytest.approx(expected.numpy(), abs=BFLOAT16_TOLERANCE)
    assert expected.std() > 2 * BFLOAT16_TOLERANCE  # there is something to get wrong

    assert torch.equal(scores(network, volume), expected)


def test_pooling_keeps_the_precision_of_its_input() -> None:
    fast = fast_network(trained("resnet18"), BFLOAT16)
    assert isinstance(fast.encoder.maxpool, PoolAsGiven)
    with BFLOAT16.autocast():
        assert fast.encoder.maxpool(torch.zeros(1, 1, 4, 4, 4).bfloat16()).dtype == torch.bfloat16


def test_a_network_in_training_stays_in_training() -> None:
    network = trained("resnet18").train()
    assert not fast_network(network, FLOAT32).training
    assert network.training
