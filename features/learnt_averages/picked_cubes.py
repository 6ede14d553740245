"""Cubes of a whitened tomogram around picks, as far as an average of them needs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.template_matching.bank import grid_stride
from features.template_matching.missing_wedge import MissingWedge
from features.template_matching.whitening import FINEST_ANGSTROM, WhitenedTomogram

# The finest detail spreads by about half of itself: an average fades out over this much beyond the
# particle's radius, and what it is made of over as much again, Å.
FADE_ANGSTROM = FINEST_ANGSTROM / 2
# A particle lies this far beside its pick at most, along each axis, Å: people's picks, and those of
# the challenge, are off by less than a voxel of 10 Å.
SHIFT_ANGSTROM = FINEST_ANGSTROM / 4


@dataclass(frozen=True)
class PickedCubes:
    """Cubes around the n picks of one particle type in one run.

    Parameters
    ----------
    values_nzyx : ndarray, (n, S, S, S), float32
        Whitened values; S is odd, and the voxel of the pick lies in the middle.
    voxel_angstrom : float
        Side of a voxel, Å.
    wedge : MissingWedge
        What the run's tilt series recorded.
    """

    values_nzyx: NDArray[np.float32]
    voxel_angstrom: float
    wedge: MissingWedge

    def __len__(self) -> int:
        """Count the picks."""
        return len(self.values_nzyx)


def reach_of(radius_angstrom: float) -> float:
    """Distance from the centre of a particle that its average is made from, Å."""
    return radius_angstrom + 2 * FADE_ANGSTROM


def shift_voxels(voxel_angstrom: float) -> int:
    """Voxels that a particle is looked for beside its pick, along each axis."""
    return max(1, round(SHIFT_ANGSTROM / voxel_angstrom))


def steps_to_reach(radius_angstrom: float, voxel_angstrom: float) -> int:
    """Count the steps of :func:`grid_stride` voxels from a particle's centre to its reach."""
    step = voxel_angstrom * grid_stride(voxel_angstrom)
    return int(np.ceil(reach_of(radius_angstrom) / step))


def cut_cubes(
    tomogram: WhitenedTomogram,
    voxel_angstrom: float,
    indices_zyx: NDArray[np.float64],
    radius_angstrom: float,
) -> PickedCubes:
    """Cut cubes around picks.

    Parameters
    ----------
    tomogram : WhitenedTomogram
        Beyond its border it is mirrored.
    voxel_angstrom : float
        Its voxel size, Å.
    indices_zyx : ndarray, (n, 3), float64
        Picks, voxels.
    radius_angstrom : float
        Radius of the particle type, Å.

    Returns
    -------
    PickedCubes
        Cubes around the nearest voxels, which hold what :func:`reach_of` asks for wherever the
        particle lies.
    """
    reach = steps_to_reach(radius_angstrom, voxel_angstrom) * grid_stride(voxel_angstrom)
    reach += shift_voxels(voxel_angstrom)
    side = 2 * reach + 1
    shape = np.array(tomogram.values_zyx.shape)
    mirrored = [np.pad(np.arange(length), reach, mode="reflect") for length in shape]
    centres = np.clip(np.rint(indices_zyx).astype(np.int64), 0, shape - 1)
    cubes = np.empty((len(centres), side, side, side), dtype=np.float32)
    for cube, centre in zip(cubes, centres, strict=True):
        axes = [at[first : first + side] for first, at in zip(centre, mirrored, strict=True)]
        cube[...] = tomogram.values_zyx[np.ix_(*axes)]
    return PickedCubes(cubes, voxel_angstrom, tomogram.wedge)
