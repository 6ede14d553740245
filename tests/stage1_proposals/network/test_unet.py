import pytest
import torch

from picking.config import NetworkSettings
from picking.errors import InputError
from picking.files.embedding import embedding_channels
from stage1_proposals.network.unet import ProposalNetwork


@pytest.mark.parametrize(
    "encoder", ["resnet18", "resnet18-w24", "resnet50-w8", "tu-resnet18", "tu-mobilenetv2_100"]
)
@pytest.mark.parametrize(("depth", "stride", "channels"), [(3, 1, (8, 8, 4)), (3, 2, (8, 4))])
def test_maps_have_the_output_stride(
    encoder: str, depth: int, stride: int, channels: tuple[int, ...]
) -> None:
    settings = NetworkSettings(depth=depth, decoder_channels=channels, output_stride=stride)
    network = ProposalNetwork(encoder, settings, number_of_types=3).eval()
    with torch.no_grad():
        output = network(torch.zeros(1, 1, 32, 16, 24))
        embedding = network.embedding(output)
    sides = (32 // stride, 16 // stride, 24 // stride)
    assert output.logits.shape == (1, 3, *sides)
    assert embedding.shape == (1, len(embedding_channels(("a", "b", "c"))), *sides)


@pytest.mark.parametrize("encoder", ["resnet18", "resnet18-w16", "efficientnet-b0"])
def test_stages_that_no_map_comes_from_are_left_out(encoder: str) -> None:
    network = ProposalNetwork(encoder, NetworkSettings(depth=3, decoder_channels=(8, 4)), 1)
    network(torch.zeros(2, 1, 32, 16, 24)).logits.sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize(
    "encoder",
    ["mobilenet_v2", "no-such-encoder", "resnet18-w65", "resnet18-w0", "resnet19-w8", "vgg11-w8"],
)
def test_an_encoder_that_does_not_fit_is_refused(encoder: str) -> None:
    settings = NetworkSettings(depth=3, decoder_channels=(8, 4))
    with pytest.raises(InputError, match=encoder):
        ProposalNetwork(encoder, settings, number_of_types=1)


def test_a_narrow_resnet_has_its_share_of_the_channels_in_every_stage() -> None:
    settings = NetworkSettings(depth=4, decoder_channels=(8, 8, 4))
    wide, narrow = (
        ProposalNetwork(name, settings, 1).encoder.out_channels
        for name in ("resnet18", "resnet18-w16")
    )
    assert tuple(narrow) == (1, 16, 16, 32, 64)
    assert [4 * channels for channels in narrow[1:]] == list(wide[1:])


def test_two_networks_in_one_process_keep_their_own_depth() -> None:
    # get_encoder keeps depth and strides in a module-wide dictionary.
    deep = ProposalNetwork("resnet18", NetworkSettings(depth=4, decoder_channels=(8, 8, 4)), 1)
    ProposalNetwork("resnet18", NetworkSettings(depth=2, decoder_channels=(8,)), 1)
    assert deep.eval()(torch.zeros(1, 1, 16, 16, 16)).logits.shape[2:] == (8, 8, 8)


def test_embedding_is_the_cosine_with_the_prototype(network_settings: NetworkSettings) -> None:
    network = ProposalNetwork("resnet18", network_settings, number_of_types=2).eval()
    with torch.no_grad():
        output = network(torch.randn(1, 1, 16, 16, 16))
        place = output.fine_features[0, :, 3, 4, 5]
        network.fine_mean.copy_(place * 0.1)
        network.fine_prototypes[0] = place / place.norm()
        network.fine_prototypes[1] = -place / place.norm()
        embedding = network.embedding(output)
    assert embedding[0, 0, 3, 4, 5] == pytest.approx(1, abs=1e-5)
    assert embedding[0, 1, 3, 4, 5] == pytest.approx(-1, abs=1e-5)
    assert embedding.abs().max() <= 1 + 1e-5
