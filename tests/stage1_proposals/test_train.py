from pathlib import Path

import numpy as np
import pytest
import torch

from picking.config import ParticleType, PredictionSettings, Stage1Settings, TrainingSettings
from picking.errors import InputError
from stage1_proposals.device.compute_device import find_device
from stage1_proposals.network.start import StartWeights, choose_start
from stage1_proposals.network.unet import ProposalNetwork
from stage1_proposals.network.weights_file import load_network, save_weights
from stage1_proposals.prediction.peaks import find_candidates
from stage1_proposals.prediction.predict import plan_passes, predict_maps
from stage1_proposals.train import Member, train_member
from stage1_proposals.training.checkpoint import load_state, new_average, training_key
from stage1_proposals.training.crops import prepare_volume
from stage1_proposals.training.learning_rate import learning_rate_at
from stage1_proposals.training.loss import weighted_cross_entropy
from stage1_proposals.training.optimisation import Checkpoints
from tests.stage1_proposals.conftest import ball_tomogram

TYPES = ("ball", "giant")


def trained(
    particles: tuple[ParticleType, ...],
    settings: Stage1Settings,
    checkpoint: Path,
    key: str = "key",
    seed: int = 0,
    start: StartWeights | None = None,
) -> tuple[ProposalNetwork, list[tuple[int, float, float]]]:
    volumes = [
        prepare_volume(*ball_tomogram(run, i), particles, settings) for i, run in enumerate("ab")
    ]
    return train_member(
        volumes,
        particles,
        settings,
        Member("resnet18", 0, seed, 0),
        find_device(1),
        Checkpoints(checkpoint, key),
        start=start,
    )


def weights_of(network: ProposalNetwork) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def test_training_learns_to_find_balls(
    particles: tuple[ParticleType, ...], tiny_settings: Stage1Settings, tmp_path: Path
) -> None:
    training = tiny_settings.training.model_copy(update={"max_steps": 60, "ema_decay": 0.8})
    settings = tiny_settings.model_copy(update={"training": training})
    network, curve = trained(particles, settings, tmp_path / "checkpoint.pt")
    losses = np.array([loss for _, loss, _ in curve])
    assert losses[-10:].mean() < losses[:10].mean()
    tomogram, truth = ball_tomogram("unseen", 7)
    maps = predict_maps(tomogram, [network], TYPES, settings.prediction, 2, find_device(1))
    candidates = find_candidates("unseen", maps.score_maps, particles, settings.peaks, budget=60)
    best = candidates[candidates["particle_type"] == "ball"].head(3)
    distances = np.linalg.norm(
        best[["x", "y", "z"]].to_numpy()[:, None] - truth[["x", "y", "z"]].to_numpy(), axis=-1
    )
    assert np.all(distances.min(axis=0) < 30)


def test_an_interrupted_training_ends_with_the_same_weights(
    particles: tuple[ParticleType, ...],
    tiny_settings: Stage1Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unbroken, unbroken_curve = trained(particles, tiny_settings, tmp_path / "unbroken.pt")

    calls = 0

    def interrupted(*arguments: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls > 4:  # after the checkpoint of step 3
            raise KeyboardInterrupt
        return weighted_cross_entropy(*arguments)

    checkpoint = tmp_path / "checkpoint.pt"
    with monkeypatch.context() as patch:
        patch.setattr("stage1_proposals.train.weighted_cross_entropy", interrupted)
        with pytest.raises(KeyboardInterrupt):
            trained(particles, tiny_settings, checkpoint)
    state = load_state(checkpoint, "key")
    assert state is not None
    assert state.step == 3
    resumed, curve = trained(particles, tiny_settings, checkpoint)
    assert curve == unbroken_curve
    for name, tensor in weights_of(unbroken).items():
        assert torch.equal(tensor, weights_of(resumed)[name]), name


def test_a_checkpoint_of_other_settings_or_a_damaged_one_is_not_resumed(
    particles: tuple[ParticleType, ...], tiny_settings: Stage1Settings, tmp_path: Path
) -> None:
    checkpoint = tmp_path / "checkpoint.pt"
    trained(particles, tiny_settings, checkpoint)
    assert load_state(checkpoint, "key") is not None
    assert load_state(checkpoint, "another key") is None
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    assert load_state(checkpoint, "key") is None
    assert load_state(tmp_path / "missing.pt", "key") is None


def test_a_training_goes_on_from_its_start(
    particles: tuple[ParticleType, ...], tiny_settings: Stage1Settings, tmp_path: Path
) -> None:
    """With a learning rate of next to nothing it ends where it started."""
    network, _ = trained(particles, tiny_settings, tmp_path / "first.pt")
    path = tmp_path / "weights.safetensors"
    save_weights(path, network, TYPES)
    still = tiny_settings.training.model_copy(update={"learning_rate": 1e-12, "max_steps": 2})
    settings = tiny_settings.model_copy(update={"training": still})
    start = choose_start(path, "resnet18", settings.network)
    again, _ = trained(particles, settings, tmp_path / "second.pt", seed=1, start=start)
    by_chance, _ = trained(particles, settings, tmp_path / "third.pt", seed=1)
    learnt = dict(network.named_parameters())
    for name, weight in again.named_parameters():
        assert torch.allclose(weight, learnt[name], atol=1e-6), name
    assert not all(torch.allclose(w, learnt[n], atol=1e-3) for n, w in by_chance.named_parameters())


def test_the_average_forgets_the_weights_before_the_first_step() -> None:
    network = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(network.weight, 100.0)
    averaged = new_average(network, decay=0.9)
    values = [1.0, 2.0, 4.0]
    for value in values:
        torch.nn.init.constant_(network.weight, value)
        averaged.update_parameters(network)
    shares = np.array([0.81, 0.9, 1.0])
    expected = float((shares * values).sum() / shares.sum())
    assert averaged.module.weight.item() == pytest.approx(expected)


def test_lengths_from_nothing_and_from_weights() -> None:
    default = TrainingSettings()
    assert default.epochs_from(is_from_nothing=True) == 2 * default.epochs_from(False)
    assert TrainingSettings(epochs=3).epochs_from(False) == 3


def test_seeds_make_different_members(
    particles: tuple[ParticleType, ...], tiny_settings: Stage1Settings, tmp_path: Path
) -> None:
    one, _ = trained(particles, tiny_settings, tmp_path / "1", seed=0)
    two, _ = trained(particles, tiny_settings, tmp_path / "2", seed=1)
    assert not torch.equal(one.head[0].weight, two.head[0].weight)


def test_weights_carry_their_settings(
    particles: tuple[ParticleType, ...], tiny_settings: Stage1Settings, tmp_path: Path
) -> None:
    network = ProposalNetwork("resnet18", tiny_settings.network, len(particles))
    path = tmp_path / "weights.safetensors"
    save_weights(path, network, TYPES)
    loaded = load_network(path, TYPES)
    assert (loaded.encoder_name, loaded.settings) == ("resnet18", tiny_settings.network)
    for name, tensor in weights_of(network).items():
        assert torch.equal(tensor, weights_of(loaded)[name]), name
    with pytest.raises(InputError, match="ball, giant"):
        load_network(path, ("giant", "ball"))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="cannot be read"):
        load_network(path, TYPES)


def test_the_loss_counts_only_where_it_shall() -> None:
    logits = torch.zeros(1, 1, 2, 2, 2)
    targets = torch.zeros_like(logits)
    targets[0, 0, 0, 0, 0] = 1
    counted = torch.zeros_like(logits)
    counted[0, 0, 0] = 1
    # Four voxels count, each with loss log 2; the positive one has weight 1 + 3.
    expected = np.log(2) * (4 + 1 + 1 + 1) / 4
    assert float(weighted_cross_entropy(logits, targets, counted, 3.0)) == pytest.approx(expected)
    logits[0, 0, 1] = 50.0
    assert float(weighted_cross_entropy(logits, targets, counted, 3.0)) == pytest.approx(expected)


def test_a_training_run_gets_as_many_passes_as_a_test_run() -> None:
    passes = PredictionSettings(passes=4).passes_with(6)
    training_run, test_run = (plan_passes(members, passes, True) for members in (2, 6))
    assert [turn for _, turn in training_run] == [turn for _, turn in test_run]
    assert len(training_run) == 6
    assert [member for member, _ in test_run] == [0, 1, 2, 3, 4, 5]
    assert [member for member, _ in training_run] == [0, 1, 0, 1, 0, 1]
    assert PredictionSettings(passes=4).passes_with(3) == 4


def test_networks_that_never_saw_a_turned_wedge_look_at_none() -> None:
    assert any(turn.quarter for _, turn in plan_passes(1, 16, True))
    assert not any(turn.quarter for _, turn in plan_passes(1, 16, False))
    assert len(plan_passes(1, 16, False)) == 16


def test_a_checkpoint_belongs_to_its_tomograms(
    particles: tuple[ParticleType, ...], tiny_settings: Stage1Settings
) -> None:
    one, other = (prepare_volume(*ball_tomogram("a", i), particles, tiny_settings) for i in (0, 1))
    assert training_key([one], "x") == training_key([one], "x")
    assert training_key([one], "x") != training_key([other], "x")
    assert training_key([one], "x") != training_key([one], "y")


def test_a_member_of_another_pipeline_seed_has_another_key() -> None:
    keys = {training_key([], repr(Member("resnet18", seed, 0, 0))) for seed in (0, 1)}
    assert len(keys) == 2


def test_a_diverged_training_says_what_to_change(
    particles: tuple[ParticleType, ...],
    tiny_settings: Stage1Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "stage1_proposals.train.weighted_cross_entropy",
        lambda logits, *_: logits.sum() * torch.nan,
    )
    with pytest.raises(InputError, match="lower learning_rate"):
        trained(particles, tiny_settings, tmp_path / "checkpoint.pt")


@pytest.mark.parametrize("number", [1, 2, 10, 1000])
def test_the_learning_rate_rises_then_falls(number: int) -> None:
    training = TrainingSettings(learning_rate=0.5, warmup_fraction=0.1)
    rates = [learning_rate_at(step, number, training) for step in range(number)]
    highest = int(np.argmax(rates))
    assert highest == number // 10
    assert rates[highest] == pytest.approx(0.5)
    assert np.all(np.diff(rates[: highest + 1]) > 0)
    assert np.all(np.diff(rates[highest:]) < 0)
    if number == 1000:
        assert 0 < rates[-1] < 0.001


def test_prediction_does_not_depend_on_the_tomograms_gain(
    particles: tuple[ParticleType, ...], tiny_settings: Stage1Settings
) -> None:
    torch.manual_seed(0)
    network = ProposalNetwork("resnet18", tiny_settings.network, len(particles))
    tomogram, _ = ball_tomogram("a", 0)
    scaled = type(tomogram)("a", tomogram.values_zyx * 1e5 + 3, tomogram.voxel_size_zyx_angstrom)
    maps, maps_scaled = (
        predict_maps(item, [network], TYPES, tiny_settings.prediction, 2, find_device(1))
        for item in (tomogram, scaled)
    )
    scores, scores_scaled = (item.score_maps.scores_tzyx for item in (maps, maps_scaled))
    assert scores.shape == (2, 10, 20, 18)
    np.testing.assert_allclose(scores, scores_scaled, atol=2e-3)
