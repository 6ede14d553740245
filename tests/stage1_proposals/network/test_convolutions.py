"""No convolution of a network runs in torch's slow fallback, and each answers as torch's own."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile

from picking.config import NetworkSettings, ParticleType, Stage1Settings
from stage1_proposals.choose_precision import CANDIDATES, has_units
from stage1_proposals.device.compute_device import HALF_DTYPES, ComputeDevice
from stage1_proposals.network.convolutions import onednn_convolutions
from stage1_proposals.network.fast_network import fast_network
from stage1_proposals.network.unet import ProposalNetwork
from stage1_proposals.prediction.predict import predict_maps
from stage1_proposals.training.crops import draw_batch, prepare_volume
from stage1_proposals.training.loss import weighted_cross_entropy
from tests.stage1_proposals.conftest import ball_tomogram

CPU = torch.device("cpu")
PARTICLES = (ParticleType(name="ball", label=1, radius_angstrom=60),)
FALLBACK = "slow_conv"

pytestmark = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(), reason="this torch has no oneDNN"
)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # as a training has; 1x1x1 kernels fall back on one thread alone
    yield
    torch.set_num_threads(before)


def operations(call: Callable[[], object]) -> set[str]:
    with profile(activities=[ProfilerActivity.CPU]) as recorded:
        call()
    return {event.key for event in recorded.key_averages()}


def usable(name: str) -> ComputeDevice:
    device = ComputeDevice(CPU, HALF_DTYPES[name])
    if name != "float32" and not has_units(device):
        pytest.skip(f"this processor has no units for {name}")
    return device


def settings(batch_size: int) -> Stage1Settings:
    return Stage1Settings.model_validate(
        {
            "training": {"batch_size": batch_size, "crop_zyx": [16, 32, 32]},
            "prediction": {"window_zyx": [24, 40, 40], "passes": 1},
        }
    )


@pytest.mark.parametrize("precision", CANDIDATES)
@pytest.mark.parametrize("batch_size", [1, Stage1Settings().training.batch_size])
@pytest.mark.parametrize("encoder", ["resnet18", *Stage1Settings().ensemble.encoders, "resnet50"])
def test_training_takes_no_slow_path(precision: str, batch_size: int, encoder: str) -> None:
    device = usable(precision)
    used = settings(batch_size)
    network = ProposalNetwork(encoder, used.network, 1).train()
    network = network.to(memory_format=device.memory_format)
    volumes = [prepare_volume(*ball_tomogram("a", 0), PARTICLES, used)]
    batch = draw_batch(volumes, used, np.random.default_rng(0))

    def step() -> None:
        crops = batch.volumes.contiguous(memory_format=device.memory_format)
        with device.autocast():
            logits = network(crops).logits
        weighted_cross_entropy(logits, batch.targets, batch.counted, 1.0).backward()

    found = operations(step)
    assert "aten::convolution_backward" in found
    assert not {name for name in found if FALLBACK in name}


@pytest.mark.parametrize("precision", CANDIDATES)
def test_prediction_takes_no_slow_path(precision: str) -> None:
    device = usable(precision)
    network = fast_network(ProposalNetwork("resnet18", NetworkSettings(), 1), device)
    tomogram, _ = ball_tomogram("a", 0)
    found = operations(
        lambda: predict_maps(tomogram, [network], ("ball",), settings(1).prediction, 1, device)
    )
    assert "aten::mkldnn_convolution" in found
    assert not {name for name in found if FALLBACK in name}


def test_the_fallback_would_be_noticed() -> None:
    volumes = torch.zeros(1, 2, 4, 4, 4)
    found = operations(lambda: functional.conv3d(volumes, torch.zeros(2, 2, 3, 3, 3)))
    assert {name for name in found if FALLBACK in name}


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv3d(3, 4, 3, padding=1),
        nn.Conv3d(3, 4, 3, stride=2, padding=1, bias=False),
        nn.Conv3d(3, 4, (1, 3, 5), padding=(0, 1, 2), dilation=(1, 2, 1)),
        nn.Conv3d(3, 4, 1),
        nn.Conv3d(3, 4, 1, bias=False),
        nn.Conv3d(3, 4, 1, stride=2),
        nn.Conv3d(3, 4, 1, padding=1),
        nn.Conv3d(3, 3, 3, groups=3, padding="same"),
        nn.Conv3d(3, 3, 1, groups=3),
    ],
    ids=str,
)
@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last_3d])
def test_answers_and_gradients_are_torchs_own(
    layer: nn.Conv3d, batch: int, memory_format: torch.memory_format
) -> None:
    torch.manual_seed(0)
    volumes = torch.randn(batch, 3, 6, 7, 5).contiguous(memory_format=memory_format)
    volumes.requires_grad_()

    def answer() -> tuple[Tensor, ...]:
        output = layer(volumes)
        gradients = torch.autograd.grad(output.square().sum(), [volumes, *layer.parameters()])
        return output, *gradients

    expected = answer()
    with onednn_convolutions(volumes):
        found = answer()
        with torch.inference_mode():
            predicted = layer(volumes)
    for one, other in zip((*found, predicted), (*expected, expected[0]), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
