"""Training crops: where they are cut, and how they are varied. Everything from a seed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from picking.config import ParticleType, Stage1Settings, TrainingSettings
from picking.coordinates import angstrom_xyz_to_indices_zyx
from picking.errors import InputError
from picking.files.mask import Mask
from picking.files.tables import POSITION_COLUMNS
from picking.files.tomogram import Tomogram, normalised
from stage1_proposals.flips_and_rotations import flip_rotations_of
from stage1_proposals.training.data_parallel import ALONE, TrainingProcesses
from stage1_proposals.training.rotation import rotated_crop
from stage1_proposals.training.targets import render_targets

# Least interpolated share of a voxel that counts; less than 1 for what rounding takes off.
WHOLLY_INSIDE = 0.999
# Share of a GPU's free memory that training volumes may take; crops and the network need the rest.
LARGEST_SHARE_OF_GPU = 0.5
# A pick that a crop is centred near lies within this share of the crop's sides around its middle.
PICK_REGION = 0.6


@dataclass(frozen=True)
class TrainingVolume:
    """One training run, ready to be cut.

    Parameters
    ----------
    values_zyx : Tensor, (Z, Y, X), float16
        Normalised voxels, edge-padded to at least a crop's sides.
    targets_tzyx : Tensor, (T, Z/s, Y/s, X/s), float16
        Target maps.
    counted_zyx : Tensor, (Z/s, Y/s, X/s), bool
        Where the loss counts: false where labels are known to be missing, outside the run's mask,
        and in the padding.
    picks_zyx : tuple of ndarray, (n, 3)
        Picks of each type as voxel indices.
    """

    values_zyx: Tensor
    targets_tzyx: Tensor
    counted_zyx: Tensor
    picks_zyx: tuple[NDArray[np.float64], ...]

    @property
    def bytes_on_device(self) -> int:
        """Memory of its tensors."""
        return sum(
            tensor.nbytes for tensor in (self.values_zyx, self.targets_tzyx, self.counted_zyx)
        )

    def on(self, device: torch.device) -> "TrainingVolume":
        """Copy with its tensors on a device, where its crops will be cut and turned."""
        return TrainingVolume(
            self.values_zyx.to(device),
            self.targets_tzyx.to(device),
            self.counted_zyx.to(device),
            self.picks_zyx,
        )


def near_network(
    volumes: Sequence[TrainingVolume], device: torch.device
) -> Sequence[TrainingVolume]:
    """Bring volumes to the GPU that trains, if they leave the network half of its free memory.

    Crops that are cut and turned on the CPU keep a GPU waiting.
    """
    if device.type != "cuda":
        return volumes
    free_bytes, _ = torch.cuda.mem_get_info(device)
    if sum(volume.bytes_on_device for volume in volumes) > free_bytes * LARGEST_SHARE_OF_GPU:
        return volumes
    return [volume.on(device) for volume in volumes]


@dataclass(frozen=True)
class Batch:
    """Crops with their targets."""

    volumes: Tensor  # (N, 1, Z, Y, X) float32
    targets: Tensor  # (N, T, Z/s, Y/s, X/s) float32
    counted: Tensor  # (N, 1, Z/s, Y/s, X/s) float32, 0 or 1


def prepare_volume(
    tomogram: Tomogram,
    truth: pd.DataFrame,
    particles: Sequence[ParticleType],
    settings: Stage1Settings,
    mask: Mask | None = None,
) -> TrainingVolume:
    """Normalise a tomogram and draw its targets.

    Parameters
    ----------
    tomogram : Tomogram
        The run's tomogram.
    truth : DataFrame
        The run's picks (``picking.files.tables.TRUTH``).
    particles : sequence of ParticleType
        Types in the order of the network's channels.
    settings : Stage1Settings
        Section ``stage1_proposals``.
    mask : Mask or None
        Where picks count. Elsewhere the loss does not: the particles there have lost their picks,
        or never had any, and are no background. None: everywhere.

    Raises
    ------
    InputError
        If the unlabelled border and the mask leave nothing.
    """
    stride = settings.network.output_stride
    shape_zyx = tomogram.values_zyx.shape
    wanted_zyx = [max(a, b) for a, b in zip(shape_zyx, settings.training.crop_zyx, strict=True)]
    padded_zyx = [-(-side // stride) * stride for side in wanted_zyx]
    padding = [(0, b - a) for a, b in zip(shape_zyx, padded_zyx, strict=True)]
    values = np.pad(normalised(tomogram.values_zyx), padding, mode="edge").astype(np.float16)
    positions = [
        truth.loc[truth["particle_type"] == particle.name, POSITION_COLUMNS].to_numpy()
        for particle in particles
    ]
    map_shape_zyx = (
        padded_zyx[0] // stride,
        padded_zyx[1] // stride,
        padded_zyx[2] // stride,
    )
    targets = render_targets(
        positions,
        [particle.radius_angstrom * settings.targets.sigma_fraction for particle in particles],
        map_shape_zyx,
        tomogram.voxel_size_zyx_angstrom,
        stride,
    )
    counted = np.zeros(map_shape_zyx, dtype=bool)
    margin = settings.targets.unlabelled_border_angstrom / tomogram.voxel_size_zyx_angstrom
    first_y, first_x = (int(np.ceil(margin[axis] / stride)) for axis in (1, 2))
    end_z, end_y, end_x = (side // stride for side in shape_zyx)
    # A band wider than half the field leaves nothing; a negative end would count padding.
    counted[:end_z, first_y : max(0, end_y - first_y), first_x : max(0, end_x - first_x)] = True
    if mask is not None:
        counted &= mask.on_map(map_shape_zyx, tomogram.voxel_size_zyx_angstrom, stride)
    if not counted.any():
        raise InputError(
            "stage1_proposals.targets.unlabelled_border_angstrom",
            f"leaves nothing to learn from in run {tomogram.run}, whose field is "
            f"{shape_zyx[2]} x {shape_zyx[1]} voxels{'' if mask is None else ', inside its mask'}",
            "give a band narrower than half of the field",
        )
    return TrainingVolume(
        torch.from_numpy(values),
        torch.from_numpy(targets.astype(np.float16)),
        torch.from_numpy(counted),
        tuple(
            angstrom_xyz_to_indices_zyx(xyz, tomogram.voxel_size_zyx_angstrom) for xyz in positions
        ),
    )


def number_of_steps(
    volumes: Sequence[TrainingVolume], training: TrainingSettings, is_from_nothing: bool = True
) -> int:
    """Optimiser steps of the wanted length, no more than the most allowed."""
    voxels = sum(volume.values_zyx.numel() for volume in volumes)
    return training.steps_on(voxels, is_from_nothing)


def draw_batch(
    volumes: Sequence[TrainingVolume],
    settings: Stage1Settings,
    rng: np.random.Generator,
    group: TrainingProcesses = ALONE,
) -> Batch:
    """Cut a process's share of a batch of crops, each turned and with its contrast varied.

    Parameters
    ----------
    volumes : sequence of TrainingVolume
        Training runs.
    settings : Stage1Settings
        Section ``stage1_proposals``.
    rng : numpy.random.Generator
        Source of all that is drawn; the same for all processes of a group.
    group : TrainingProcesses
        The processes that share the batch.
    """
    training = settings.training
    stride = settings.network.output_stride
    ways = flip_rotations_of(training.quarter_turns)
    crops, targets, counted = [], [], []
    for number in range(training.batch_size):
        volume, start_zyx = draw_crop_start(
            volumes, training.crop_zyx, training.picks_fraction, rng
        )
        start = [int(first) // stride * stride for first in start_zyx]
        angle = 0.0
        if rng.random() < training.rotation_fraction:
            angle = rng.uniform(0, 2 * math.pi)
        way = ways[rng.integers(len(ways))]
        gain = 1.0 + training.intensity_jitter * rng.standard_normal()
        offset = training.intensity_jitter * rng.standard_normal()
        if number % group.number != group.rank:
            continue
        crop, target, counts = cut_crop(volume, start, training.crop_zyx, stride, angle)
        crops.append(way.apply(crop * gain + offset))
        targets.append(way.apply(target))
        counted.append(way.apply(counts))
    return Batch(torch.stack(crops), torch.stack(targets), torch.stack(counted))


def cut_crop(
    volume: TrainingVolume,
    start_zyx: Sequence[int],
    sides_zyx: Sequence[int],
    stride: int,
    angle: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Cut a crop with its targets, turned about z by ``angle`` (radians).

    Parameters
    ----------
    volume : TrainingVolume
        What is cut from.
    start_zyx, sides_zyx : sequence of int
        First voxel and sides of the crop, multiples of ``stride``.
    stride : int
        Tomogram voxels a side for each map voxel.
    angle : float
        0 cuts along the voxels and interpolates nothing.

    Returns
    -------
    values, targets, counted : Tensor, (1, Z, Y, X), (T, Z/s, Y/s, X/s), (1, Z/s, Y/s, X/s), float32
    """
    map_start = [first // stride for first in start_zyx]
    map_sides = [side // stride for side in sides_zyx]
    cut = []
    for source, start, sides in (
        (volume.values_zyx[None], start_zyx, sides_zyx),
        (volume.targets_tzyx, map_start, map_sides),
        (volume.counted_zyx[None], map_start, map_sides),
    ):
        if angle:
            cut.append(rotated_crop(source, start, sides, angle))
        else:
            box = tuple(slice(a, a + b) for a, b in zip(start, sides, strict=True))
            cut.append(source[(slice(None), *box)].float())
    # A voxel that is partly outside does not count.
    return cut[0], cut[1], (cut[2] > WHOLLY_INSIDE).float()


def draw_crop_start(
    volumes: Sequence[TrainingVolume],
    crop_zyx: Sequence[int],
    picks_fraction: float,
    rng: np.random.Generator,
) -> tuple[TrainingVolume, NDArray[np.int64]]:
    """Draw a volume and the first voxel (3,) zyx of a crop: near a pick, or anywhere.

    Crops near picks draw the particle type first, evenly, so that rare types are seen as often
    as frequent ones.
    """
    types_with_picks = [
        index
        for index in range(len(volumes[0].picks_zyx))
        if any(len(volume.picks_zyx[index]) for volume in volumes)
    ]
    crop = np.asarray(crop_zyx)
    if types_with_picks and rng.random() < picks_fraction:
        particle = types_with_picks[rng.integers(len(types_with_picks))]
        counts = np.cumsum([len(volume.picks_zyx[particle]) for volume in volumes])
        drawn = rng.integers(counts[-1])
        index = int(np.searchsorted(counts, drawn, side="right"))
        volume = volumes[index]
        pick_zyx = volume.picks_zyx[particle][drawn - (counts[index - 1] if index else 0)]
        within = 0.5 + PICK_REGION * (rng.random(3) - 0.5)
        start = np.rint(pick_zyx - within * crop).astype(np.int64)
    else:
        volume = volumes[int(rng.integers(len(volumes)))]
        room = np.asarray(volume.values_zyx.shape) - crop
        start = rng.integers(0, room + 1)
    return volume, np.clip(start, 0, np.asarray(volume.values_zyx.shape) - crop)
