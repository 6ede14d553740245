import numpy as np
import pytest
import torch

from picking.config import ParticleType, Stage1Settings
from picking.errors import InputError
from picking.files.mask import Mask
from stage1_proposals.training.crops import (
    TrainingVolume,
    draw_batch,
    draw_crop_start,
    near_network,
    number_of_steps,
    prepare_volume,
)
from tests.stage1_proposals.conftest import ball_tomogram


def test_a_crop_and_its_targets_stay_together(
    particles: tuple[ParticleType, ...], tiny_settings: Stage1Settings
) -> None:
    volume = prepare_volume(*ball_tomogram("a", 0), particles, tiny_settings)
    settings = tiny_settings.model_copy(
        update={
            "training": tiny_settings.training.model_copy(
                update={"batch_size": 24, "picks_fraction": 1.0}
            )
        }
    )
    batch = draw_batch([volume], settings, np.random.default_rng(0))
    darkness = -torch.nn.functional.avg_pool3d(batch.volumes, 2)[:, 0]
    target = batch.targets[:, 0]
    # Dark balls lie where the targets are, in every crop and every turn.
    seen = target.amax(dim=(1, 2, 3)) > 0.4
    assert seen.sum() >= 20
    inside = (darkness * target).sum(dim=(1, 2, 3)) / target.sum(dim=(1, 2, 3)).clamp_min(1e-6)
    assert (inside[seen] > darkness.mean(dim=(1, 2, 3))[seen] + 1).all()


def test_the_loss_does_not_count_outside_a_mask(
    particles: tuple[ParticleType, ...], tiny_settings: Stage1Settings
) -> None:
    tomogram, truth = ball_tomogram("a", 0)
    inside = np.zeros(tomogram.values_zyx.shape, dtype=bool)
    inside[:, :, 8:] = True
    mask = Mask(inside, tomogram.voxel_size_zyx_angstrom)
    whole = prepare_volume(tomogram, truth, particles, tiny_settings)
    masked = prepare_volume(tomogram, truth, particles, tiny_settings, mask)
    first = 8 // tiny_settings.network.output_stride
    assert not masked.counted_zyx[..., :first].any()
    assert torch.equal(masked.counted_zyx[..., first:], whole.counted_zyx[..., first:])
    assert torch.equal(masked.values_zyx, whole.values_zyx)
    nothing = Mask(np.zeros_like(inside), tomogram.voxel_size_zyx_angstrom)
    with pytest.raises(InputError, match="inside its mask"):
        prepare_volume(tomogram, truth, particles, tiny_settings, nothing)


def test_batches_follow_from_the_seed(
    particles: tuple[ParticleType, ...], tiny_settings: Stage1Settings
) -> None:
    volume = prepare_volume(*ball_tomogram("a", 0), particles, tiny_settings)
    one, same, other = (
        draw_batch([volume], tiny_settings, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(one.volumes, same.volumes)
    assert not torch.equal(one.volumes, other.volumes)


def test_rare_types_are_drawn_as_often_as_frequent_ones(
    particles: tuple[ParticleType, ...], tiny_settings: Stage1Settings
) -> None:
    tomogram, truth = ball_tomogram("a", 0)
    truth.loc[truth.index[-1], "particle_type"] = "giant"
    volume = prepare_volume(tomogram, truth, particles, tiny_settings)
    giant_zyx = volume.picks_zyx[1][0]
    rng = np.random.default_rng(0)
    near = 0
    for _ in range(200):
        _, start = draw_crop_start([volume], (8, 8, 8), 1.0, rng)
        near += bool(np.all(np.abs(start + 4 - giant_zyx) <= 4))
    assert 70 <= near <= 150


def test_the_loss_does_not_count_in_the_border_and_in_padding(
    particles: tuple[ParticleType, ...], tiny_settings: Stage1Settings
) -> None:
    targets = tiny_settings.targets.model_copy(update={"unlabelled_border_angstrom": 60.0})
    training = tiny_settings.training.model_copy(update={"crop_zyx": (32, 16, 16)})
    settings = tiny_settings.model_copy(update={"targets": targets, "training": training})
    tomogram, truth = ball_tomogram("a", 0)  # (20, 40, 36) voxels of 10 Å
    counted = prepare_volume(tomogram, truth, particles, settings).counted_zyx.numpy()
    assert counted.shape == (16, 20, 18)
    assert counted[:10, 3:17, 3:15].all()
    assert counted.sum() == 10 * 14 * 12


@pytest.mark.parametrize("width", [170.0, 190.0, 1e4])  # of 40 x 36 voxels of 10 Å
def test_a_border_that_takes_the_whole_field_is_refused(
    particles: tuple[ParticleType, ...], tiny_settings: Stage1Settings, width: float
) -> None:
    targets = tiny_settings.targets.model_copy(update={"unlabelled_border_angstrom": width})
    settings = tiny_settings.model_copy(update={"targets": targets})
    with pytest.raises(InputError, match="unlabelled_border_angstrom: leaves nothing"):
        prepare_volume(*ball_tomogram("a", 0), particles, settings)


def test_crops_of_unequal_sides_can_be_batched(
    particles: tuple[ParticleType, ...], tiny_settings: Stage1Settings
) -> None:
    training = tiny_settings.training.model_copy(
        update={"crop_zyx": (8, 16, 24), "batch_size": 32, "turns_about_z": True}
    )
    assert tiny_settings.training.quarter_turns
    assert not training.quarter_turns
    settings = tiny_settings.model_copy(update={"training": training})
    volume = prepare_volume(*ball_tomogram("a", 0), particles, settings)
    batch = draw_batch([volume], settings, np.random.default_rng(0))
    assert batch.volumes.shape == (32, 1, 8, 16, 24)
    assert batch.targets.shape == (32, 2, 4, 8, 12)


def test_no_picks_at_all_still_gives_crops(
    particles: tuple[ParticleType, ...], tiny_settings: Stage1Settings
) -> None:
    tomogram, truth = ball_tomogram("a", 0)
    volume = prepare_volume(tomogram, truth.iloc[:0], particles, tiny_settings)
    batch = draw_batch([volume], tiny_settings, np.random.default_rng(0))
    assert batch.targets.max() == 0
    assert torch.isfinite(batch.volumes).all()
    assert batch.volumes.std() == pytest.approx(1, abs=0.5)


def test_the_training_is_as_long_as_the_data_are_large(
    particles: tuple[ParticleType, ...], tiny_settings: Stage1Settings
) -> None:
    volume = prepare_volume(*ball_tomogram("a", 0), particles, tiny_settings)  # 20x40x36 voxels
    training = tiny_settings.training.model_copy(update={"epochs": 3.0, "max_steps": 100})
    assert number_of_steps([volume], training) == 11  # 3 * 28800 / (2 * 16**3) = 10.5
    assert number_of_steps([volume] * 2, training) == 22
    assert number_of_steps([volume] * 99, training) == 100
    chosen = training.model_copy(update={"epochs": None, "max_steps": 4000})
    assert number_of_steps([volume], chosen, is_from_nothing=False) == 500
    assert number_of_steps([volume], chosen) == 1000
    assert number_of_steps([volume] * 20, chosen, is_from_nothing=False) == 774  # 11 epochs
    brief = chosen.model_copy(update={"max_steps": 30})
    assert number_of_steps([volume], brief) == 30


def test_volumes_go_to_the_gpu_only_where_they_fit(
    particles: tuple[ParticleType, ...],
    tiny_settings: Stage1Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    volumes = [prepare_volume(*ball_tomogram(run, 0), particles, tiny_settings) for run in "ab"]
    needed = sum(volume.bytes_on_device for volume in volumes)
    assert needed == sum(
        2 * volume.values_zyx.numel() + 2 * volume.targets_tzyx.numel() + volume.counted_zyx.numel()
        for volume in volumes
    )
    assert near_network(volumes, torch.device("cpu")) is volumes

    # No GPU is needed: "meta" tensors stand for those on it.
    on = TrainingVolume.on
    monkeypatch.setattr(TrainingVolume, "on", lambda volume, gpu: on(volume, torch.device("meta")))
    gpu = torch.device("cuda")
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda device: (2 * needed, 9 * needed))
    for volume in near_network(volumes, gpu):
        assert volume.values_zyx.is_meta
        assert volume.targets_tzyx.is_meta
        assert volume.counted_zyx.is_meta
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda device: (2 * needed - 1, 9 * needed))
    assert near_network(volumes, gpu) is volumes
