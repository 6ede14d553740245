"""Normalisation statistics follow the tomogram, as far as they are asked to."""

import numpy as np
import pytest
import torch
from torch import nn

from picking.config import NetworkSettings
from stage1_proposals.device.compute_device import ComputeDevice
from stage1_proposals.network.unet import ProposalNetwork
from stage1_proposals.prediction.adapted_statistics import crops_of, with_adapted_statistics

CPU = ComputeDevice(torch.device("cpu"), None)
SHAPE_ZYX = (40, 72, 80)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    made = ProposalNetwork("resnet18-w8", NetworkSettings(depth=2, decoder_channels=(8,)), 2)
    # As a training leaves it: what a network starts with normalises nothing.
    with torch.no_grad():
        made.train()(torch.randn(4, 1, 16, 16, 16) * 3 + 1)
    return made.eval()


@pytest.fixture(scope="module")
def values_zyx():
    return np.random.default_rng(0).normal(size=SHAPE_ZYX).astype(np.float32)


def statistics_of(network):
    return [
        torch.cat([layer.running_mean, layer.running_var])
        for layer in network.modules()
        if isinstance(layer, nn.BatchNorm3d)
    ]


def answer(network, values_zyx):
    with torch.no_grad():
        return network(torch.from_numpy(values_zyx)[None, None]).logits


def test_answers_do_not_depend_on_the_scale_of_the_values(network, values_zyx):
    scaled = np.float32(4) * values_zyx
    adapted = [with_adapted_statistics(network, one, 1.0, CPU) for one in (values_zyx, scaled)]
    expected = answer(adapted[0], values_zyx)
    torch.testing.assert_close(answer(adapted[1], scaled), expected, atol=0.02, rtol=0)
    trained = answer(network, scaled) - answer(network, values_zyx)
    assert trained.abs().mean() > 0.05


def test_statistics_move_by_their_share(network, values_zyx):
    before = statistics_of(network)
    whole = statistics_of(with_adapted_statistics(network, values_zyx, 1.0, CPU))
    part = statistics_of(with_adapted_statistics(network, values_zyx, 0.25, CPU))
    for trained, tomograms, moved in zip(before, whole, part, strict=True):
        assert not torch.allclose(trained, tomograms)
        torch.testing.assert_close(moved, 0.75 * trained + 0.25 * tomograms)
    # The network serves the next tomogram as it was.
    for trained, still in zip(before, statistics_of(network), strict=True):
        assert torch.equal(trained, still)
    assert not network.training


def test_the_first_layer_has_the_mean_of_what_it_is_given(network, values_zyx):
    adapted = with_adapted_statistics(network, values_zyx, 1.0, CPU)
    with torch.no_grad():
        given = network.encoder.conv1(crops_of(values_zyx, network.settings.side_multiple))
    torch.testing.assert_close(adapted.encoder.bn1.running_mean, given.mean(dim=(0, 2, 3, 4)))


def test_nothing_moves_where_nothing_shall_or_can(network, values_zyx):
    assert with_adapted_statistics(network, values_zyx, 0.0, CPU) is network
    without = ProposalNetwork("resnet18-w8", NetworkSettings(depth=2, decoder_channels=(8,)), 2)
    for name, layer in list(without.named_modules()):
        if isinstance(layer, nn.BatchNorm3d):
            without.set_submodule(name, nn.GroupNorm(1, layer.num_features))
    assert with_adapted_statistics(without, values_zyx, 1.0, CPU) is without


@pytest.mark.parametrize("shape_zyx", [(8, 8, 8), (12, 70, 9), (200, 33, 64)])
def test_crops_fit_into_any_tomogram(shape_zyx):
    values = np.arange(np.prod(shape_zyx), dtype=np.float32).reshape(shape_zyx)
    crops = crops_of(values, 4)
    assert all(side % 4 == 0 for side in crops.shape[2:])
    assert crops.shape[0] > 1
    assert torch.equal(crops, crops_of(values, 4))
    if min(shape_zyx) > 8:
        assert len({float(crop.min()) for crop in crops}) > 1
