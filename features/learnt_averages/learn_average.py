"""Learn the average of a particle type from its picks, which lie in unknown orientations."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.learnt_averages.fourier_average import fourier_average
from features.learnt_averages.picked_cubes import PickedCubes
from features.learnt_averages.poses import Poses, best_poses
from features.learnt_averages.starts import by_chance, by_dark_mass
from features.template_matching.bank import TemplateBank, make_bank
from features.template_matching.fits import VOXEL_DIGITS
from features.template_matching.missing_wedge import MissingWedge
from features.template_matching.whitening import FINEST_ANGSTROM
from picking.structures.structure import Structure

# Of fewer picks the noise of each is more than a third of the average's, so that what is aligned
# to the average is the noise itself.
LEAST_PICKS = 8
# Finest detail of the average that an alignment starts from, Å, then rounds of it: orientations
# that are tried, and the finest detail of the average that comes of them, Å. Coarse first: fine
# detail of a wrong orientation would hold on to it.
FIRST_FINEST_ANGSTROM = 1.5 * FINEST_ANGSTROM
ROUNDS = (
    (200, 1.5 * FINEST_ANGSTROM),
    (250, 1.25 * FINEST_ANGSTROM),
    (300, FINEST_ANGSTROM),
    (400, FINEST_ANGSTROM),
)
# Of the turns by chance: one average is as good as another.
SEED = 0


@dataclass(frozen=True)
class LearntAverage:
    """An average of picks.

    Parameters
    ----------
    average : Structure
        The average.
    fit : float
        Mean correlation of the picks with the average of the round before, from -1 to 1.
    """

    average: Structure
    fit: float


def learn_average(cubes: Sequence[PickedCubes], radius_angstrom: float) -> LearntAverage:
    """Align picks with their own average, again and again.

    This is done twice, from the axes of the picks' dark mass and from turns by chance, whose
    average is nearly the spherical mean. The average that its picks fit better is taken.

    Parameters
    ----------
    cubes : sequence of PickedCubes
        The picks, run by run; at least ``LEAST_PICKS`` in all.
    radius_angstrom : float
        Radius of the particle type, Å.

    Returns
    -------
    LearntAverage
        The same for the same picks.
    """
    starts = (by_dark_mass(cubes, radius_angstrom), by_chance(cubes, SEED))
    learnt = [_aligned(cubes, start, radius_angstrom) for start in starts]
    return max(learnt, key=lambda one: one.fit)


def _aligned(
    cubes: Sequence[PickedCubes], start: Sequence[Poses], radius_angstrom: float
) -> LearntAverage:
    poses = list(start)
    average = fourier_average(cubes, poses, radius_angstrom, FIRST_FINEST_ANGSTROM)
    for orientations, finest_angstrom in ROUNDS:
        banks: dict[tuple[float, MissingWedge], TemplateBank] = {}
        for number, of_run in enumerate(cubes):
            if not len(of_run):
                continue
            key = round(of_run.voxel_angstrom, VOXEL_DIGITS), of_run.wedge
            if key not in banks:
                banks[key] = make_bank(average, *key, orientations)
            poses[number] = best_poses(of_run, banks[key])
        average = fourier_average(cubes, poses, radius_angstrom, finest_angstrom)
    fits = np.concatenate([posed.fits for posed in poses])
    return LearntAverage(average, float(fits.mean()))
