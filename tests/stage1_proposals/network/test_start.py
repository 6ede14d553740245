from pathlib import Path

import pytest
import torch

from picking.config import NetworkSettings, Stage1Settings
from picking.config.stage1_proposals import NOTHING, PRETRAINED
from picking.errors import InputError
from picking.files.start_weights import SHIPPED_WEIGHTS
from stage1_proposals.network.start import ANY_PARTICLE, choose_start
from stage1_proposals.network.unet import ProposalNetwork
from stage1_proposals.network.weights_file import read_weights, save_weights

ENCODER, SETTINGS = "resnet18-w4", NetworkSettings(depth=2, decoder_channels=(4,))
KNOWN = ["ball", "rod", ANY_PARTICLE]
LARGEST_MB = 10


def network_of(types: int, seed: int) -> ProposalNetwork:
    torch.manual_seed(seed)
    return ProposalNetwork(ENCODER, SETTINGS, types)


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    network = network_of(len(KNOWN), 1)
    torch.nn.init.uniform_(network.head[0].bias)
    save_weights(path, network, KNOWN)
    return path


def test_trunk_and_known_types_are_taken_over_and_others_start_from_any_particle(
    earlier: Path,
) -> None:
    start = choose_start(earlier, ENCODER, SETTINGS)
    assert start is not None
    network = network_of(3, 2)
    start.give_to(network, ["tube", "ball", "cone"])
    before = read_weights(earlier, "").tensors
    after = network.state_dict()
    trunk = [name for name in before if name.startswith(("encoder.", "decoder."))]
    assert len(trunk) > 20
    assert all(torch.equal(before[name], after[name]) for name in trunk)
    for part in ("head.0.weight", "head.0.bias"):
        assert torch.equal(after[part][1], before[part][0])
        assert torch.equal(after[part][0], before[part][2])
        assert torch.equal(after[part][2], before[part][2])
    network(torch.zeros(1, 1, 16, 16, 16))


def test_a_type_that_nothing_is_known_of_starts_by_chance(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_weights(path, network_of(1, 1), ["ball"])
    start = choose_start(path, ENCODER, SETTINGS)
    assert start is not None
    network = network_of(2, 2)
    by_chance = network.state_dict()["head.0.weight"].clone()
    start.give_to(network, ["tube", "ball"])
    assert torch.equal(network.state_dict()["head.0.weight"][0], by_chance[0])
    assert not torch.equal(network.state_dict()["head.0.weight"][1], by_chance[1])


def test_weights_that_have_seen_a_judged_run_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_weights(path, network_of(1, 1), ["ball"], ["TS_1_1", "TS_1_2"])
    start = choose_start(path, ENCODER, SETTINGS)
    assert start is not None
    start.refuse_if_it_has_seen(["TS_1_3"])
    with pytest.raises(InputError, match="has learnt from TS_1_2, which this result judges"):
        start.refuse_if_it_has_seen(["TS_1_2", "TS_1_3"])


def test_weights_that_are_not_whole_are_refused(earlier: Path) -> None:
    start = choose_start(earlier, ENCODER, SETTINGS)
    assert start is not None
    del start.stored.tensors["encoder.conv1.weight"]
    with pytest.raises(InputError, match="lacks some of the network's weights"):
        start.give_to(network_of(3, 2), KNOWN)


@pytest.mark.parametrize(
    ("encoder", "decoder"), [("resnet18-w24", (16, 8)), ("resnet18-w32", (32, 16))]
)
def test_shipped_weights_start_their_network(encoder: str, decoder: tuple[int, ...]) -> None:
    settings = NetworkSettings(decoder_channels=decoder)
    start = choose_start(PRETRAINED, encoder, settings)
    assert start is not None
    network = ProposalNetwork(encoder, settings, 2).eval()
    start.give_to(network, ["ribosome", "something else"])
    with torch.no_grad():
        logits = network(torch.zeros(1, 1, 32, 32, 32)).logits
    assert logits.isfinite().all()
    assert start.stored.particle_types[3] == "ribosome"
    assert torch.equal(network.head[0].weight[0], start.stored.tensors["head.0.weight"][3])


def test_the_file_names_itself_in_the_record(earlier: Path) -> None:
    start = choose_start(earlier, ENCODER, SETTINGS)
    assert start is not None
    name = start.name
    network = network_of(len(KNOWN), 3)
    save_weights(earlier, network, KNOWN)
    other = choose_start(earlier, ENCODER, SETTINGS)
    assert other is not None
    assert name.startswith(earlier.name)
    assert other.name != name


def test_a_file_of_another_network_is_refused(earlier: Path) -> None:
    with pytest.raises(InputError, match="resnet18-w4, depth 2"):
        choose_start(earlier, "resnet18-w8", SETTINGS)
    with pytest.raises(InputError, match="cannot be read"):
        choose_start(earlier.parent / "missing.safetensors", ENCODER, SETTINGS)


def test_the_shipped_weights_are_of_the_default_network_and_small() -> None:
    default = Stage1Settings()
    start = choose_start(default.start, default.ensemble.encoders[0], default.network)
    assert start is not None
    assert start.stored.particle_types[-1] == ANY_PARTICLE
    assert "ribosome" in start.stored.particle_types
    shipped = sum(path.stat().st_size for path in SHIPPED_WEIGHTS.glob("*.safetensors"))
    assert 0 < shipped < LARGEST_MB * 1e6
    assert all(tensor.isfinite().all() for tensor in start.stored.tensors.values())


def test_members_of_another_encoder_start_from_nothing_and_say_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert choose_start(PRETRAINED, ENCODER, SETTINGS) is None
    assert "from nothing" in capsys.readouterr().err
    assert choose_start(PRETRAINED, Stage1Settings().ensemble.encoders[0], SETTINGS) is None
    assert "from nothing" in capsys.readouterr().err
    assert choose_start(NOTHING, ENCODER, SETTINGS) is None
