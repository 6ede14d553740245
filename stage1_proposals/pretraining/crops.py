"""What a pretraining learns from: crops of varied specimens, with what lies where in them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from picking.config import Stage1Settings
from picking.coordinates import angstrom_xyz_to_indices_zyx
from picking.synthetic.pretraining.specimen_file import PretrainingSpecimen
from stage1_proposals.flips_and_rotations import flip_rotations_of
from stage1_proposals.training.crops import PICK_REGION
from stage1_proposals.training.targets import render_targets

# A molecule's radius is that of its outermost bead; what is far out or in would make a target
# unlike those of a user's types.
TARGET_RADIUS_ANGSTROM = (45.0, 150.0)
# Share of the crops that are cut from a specimen's first tomogram, a "denoised", as users have.
FIRST_TOMOGRAM_SHARE = 0.7
NO_MOLECULE = -1


@dataclass(frozen=True)
class PretrainingVolume:
    """A specimen, ready to be cut."""

    tomograms_zyx: Tensor  # (2, Z, Y, X) float16
    targets_tzyx: Tensor  # (S + 1, Z/s, Y/s, X/s) float16: the species, then any particle
    molecules_zyx: Tensor  # (Z/s, Y/s, X/s) int16: at a particle's centre its molecule, else -1
    centres_zyx: NDArray[np.float64]  # (n, 3) voxel indices
    molecules: NDArray[np.int64]  # (n,)


@dataclass(frozen=True)
class PretrainingBatch:
    """Crops with their targets."""

    volumes: Tensor  # (N, 1, Z, Y, X) float32
    targets: Tensor  # (N, S + 1, Z/s, Y/s, X/s) float32
    molecules: Tensor  # (N, Z/s, Y/s, X/s) int64


def prepare_specimen(
    specimen: PretrainingSpecimen, number_of_species: int, settings: Stage1Settings
) -> PretrainingVolume:
    """Draw a specimen's targets.

    Parameters
    ----------
    specimen : PretrainingSpecimen
        Two tomograms and their particles.
    number_of_species : int
        S, the molecules that have a map of their own: those with the lowest numbers.
    settings : Stage1Settings
        Output stride and the targets' widths.
    """
    stride = settings.network.output_stride
    voxel_size_zyx = np.full(3, specimen.voxel_size_angstrom)
    _, *shape_zyx = specimen.tomograms_zyx.shape
    map_shape_zyx = (shape_zyx[0] // stride, shape_zyx[1] // stride, shape_zyx[2] // stride)
    radii = np.clip(specimen.radii_angstrom, *TARGET_RADIUS_ANGSTROM)
    maps = np.zeros((number_of_species + 1, *map_shape_zyx), dtype=np.float16)
    for molecule in np.unique(specimen.molecules):
        here = specimen.molecules == molecule
        sigma = float(radii[here].mean()) * settings.targets.sigma_fraction
        (drawn,) = render_targets(
            [specimen.positions_xyz_angstrom[here]], [sigma], map_shape_zyx, voxel_size_zyx, stride
        )
        np.maximum(maps[-1], drawn, out=maps[-1], casting="same_kind")
        if molecule < number_of_species:
            maps[molecule] = drawn
    molecules_zyx = np.full(map_shape_zyx, NO_MOLECULE, dtype=np.int16)
    map_centres = angstrom_xyz_to_indices_zyx(
        specimen.positions_xyz_angstrom, voxel_size_zyx, stride
    )
    nearest = np.clip(np.rint(map_centres).astype(int), 0, np.array(map_shape_zyx) - 1)
    molecules_zyx[tuple(nearest.T)] = specimen.molecules
    return PretrainingVolume(
        torch.from_numpy(specimen.tomograms_zyx),
        torch.from_numpy(maps),
        torch.from_numpy(molecules_zyx),
        angstrom_xyz_to_indices_zyx(specimen.positions_xyz_angstrom, voxel_size_zyx),
        specimen.molecules,
    )


def draw_pretraining_batch(
    volumes: Sequence[PretrainingVolume],
    settings: Stage1Settings,
    near_particles: float,
    rng: np.random.Generator,
) -> PretrainingBatch:
    """Cut crops, flipped and turned by quarters, their contrast varied.

    Near a particle the molecule is drawn first, evenly among those of the specimen, so that rare
    ones are seen as often as frequent ones.

    Parameters
    ----------
    volumes : sequence of PretrainingVolume
        The specimens.
    settings : Stage1Settings
        Crop, batch, contrast.
    near_particles : float
        Share of the crops that are centred near a particle.
    rng : numpy.random.Generator
        Source of all that is drawn.
    """
    training = settings.training
    stride = settings.network.output_stride
    sides = np.asarray(training.crop_zyx)
    ways = flip_rotations_of(training.quarter_turns)
    crops, targets, molecules = [], [], []
    for _ in range(training.batch_size):
        volume = volumes[int(rng.integers(len(volumes)))]
        tomogram = volume.tomograms_zyx[int(rng.random() >= FIRST_TOMOGRAM_SHARE)]
        room = np.asarray(tomogram.shape) - sides
        if len(volume.molecules) and rng.random() < near_particles:
            molecule = rng.choice(np.unique(volume.molecules))
            centre = rng.choice(volume.centres_zyx[volume.molecules == molecule])
            within = 0.5 + PICK_REGION * (rng.random(3) - 0.5)
            start = np.clip(np.rint(centre - within * sides).astype(int), 0, room)
        else:
            start = rng.integers(0, room + 1)
        start = start // stride * stride
        way = ways[int(rng.integers(len(ways)))]
        gain = 1.0 + training.intensity_jitter * rng.standard_normal()
        offset = training.intensity_jitter * rng.standard_normal()
        box = tuple(slice(a, a + b) for a, b in zip(start, sides, strict=True))
        map_box = tuple(
            slice(a // stride, (a + b) // stride) for a, b in zip(start, sides, strict=True)
        )
        crops.append(way.apply(tomogram[None][(slice(None), *box)].float() * gain + offset))
        targets.append(way.apply(volume.targets_tzyx[(slice(None), *map_box)].float()))
        molecules.append(way.apply(volume.molecules_zyx[map_box].long()[None])[0])
    return PretrainingBatch(torch.stack(crops), torch.stack(targets), torch.stack(molecules))
