"""Picks of a made structure in random orientations, as a tomogram would show them."""

import numpy as np
from scipy.spatial.transform import Rotation

from features.learnt_averages.picked_cubes import PickedCubes
from features.template_matching.bank import make_bank
from features.template_matching.correlation import correlations
from features.template_matching.missing_wedge import MissingWedge
from picking.structures.structure import Structure
from tests.features.template_matching.made_structures import recorded, showing

VOXEL_ANGSTROM = 10.0
RADIUS_ANGSTROM = 100.0
# What 100 Å ask for: see features.learnt_averages.picked_cubes.
SIDE = 31
WEDGE = MissingWedge(60)


def picks_of(structure: Structure, number: int, noise: float, seed: int) -> PickedCubes:
    """Noise in units of the structure's spread; picks are up to a voxel off along each axis."""
    rng = np.random.default_rng(seed)
    cubes = []
    for turn in Rotation.random(number, rng=rng):
        at = SIDE // 2 + rng.integers(-1, 2, 3)
        shown = showing(structure, turn, at, (SIDE,) * 3, VOXEL_ANGSTROM)
        shown = shown / shown.std() + rng.normal(0, noise, shown.shape).astype(np.float32)
        cubes.append(recorded(shown, VOXEL_ANGSTROM, WEDGE))
    return PickedCubes(np.array(cubes, dtype=np.float32), VOXEL_ANGSTROM, WEDGE)


def likeness(average: Structure, structure: Structure) -> float:
    """Best normalised correlation over orientations and small shifts."""
    bank = make_bank(structure, average.voxel_size_angstrom, MissingWedge(), 1000)
    dark = -np.pad(average.density_zyx, 10)
    middle = np.full((1, 3), len(dark) // 2, dtype=np.float64)
    return float(correlations(dark, middle, bank, 1).max())
