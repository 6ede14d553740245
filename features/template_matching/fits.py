"""How well structures fit at a run's candidates, however turned; two families are made of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.feature import Measured
from features.run_context import RunContext
from features.template_matching.correlation import correlations
from features.template_matching.kept_banks import KeptBanks
from features.template_matching.missing_wedge import MissingWedge
from features.template_matching.whitening import FINEST_ANGSTROM
from picking.config import FeatureSettings
from picking.coordinates import angstrom_xyz_to_indices_zyx
from picking.structures.structure import Structure

# Templates are tried this far to every side of a candidate, Å: a candidate's typical distance from
# its particle, and a quarter of the finest detail, so that none is missed between two places.
SHIFT_ANGSTROM = FINEST_ANGSTROM / 4
# The other types' structures are tried in one of so many orientations: they are five times as many.
RIVAL_SHARE = 4
# Of a type without a structure, and of a margin without a rival.
NEUTRAL = 0.0
# Spread of the correlations over the orientations below which nothing stands out.
SMALLEST_SPREAD = 1e-6
# Voxel sizes that differ by less share a bank, Å.
VOXEL_DIGITS = 2
# Features of a candidate's own type and of its rivals, by name: what they mean, of "{fit}".
OWN_MEANINGS = {
    "own_best": "best correlation of the own type's {fit} over its orientations",
    "own_over_mean": "own best correlation, less the mean over the orientations",
    "own_stand_out": "own best correlation less the mean, over the spread over the orientations",
    "margin": "own best correlation minus the best of any other type",
    "margin_over_mean": "own best correlation less its mean, minus the best such of any other type",
}

BANKS = KeptBanks()


@dataclass(frozen=True)
class Fits:
    """Normalised correlations of T types' structures at n candidates over their orientations.

    Parameters
    ----------
    known : ndarray, (T,), bool
        Which types have a structure; the columns of others are ``NEUTRAL``.
    best, mean, spread : ndarray, (n, T), float32
        Best correlation of all orientations and shifts; mean and standard deviation over the
        orientations.
    """

    known: NDArray[np.bool_]
    best: NDArray[np.float32]
    mean: NDArray[np.float32]
    spread: NDArray[np.float32]

    @property
    def over_mean(self) -> NDArray[np.float32]:
        """Best correlations less the means over the orientations, (n, T)."""
        return self.best - self.mean

    def of_own(self, own: NDArray[np.int64]) -> Measured:
        """Measure the features of ``OWN_MEANINGS`` of candidates of the types ``own``, (n,)."""
        rows, over_mean = np.arange(len(self.best)), self.over_mean
        is_own = np.arange(len(self.known)) == own[:, None]  # (n, T)
        measured: Measured = {
            "own_best": self.best[rows, own],
            "own_over_mean": over_mean[rows, own],
            "own_stand_out": over_mean[rows, own]
            / np.maximum(self.spread[rows, own], SMALLEST_SPREAD),
        }
        for name, values in (("margin", self.best), ("margin_over_mean", over_mean)):
            rivals = np.where(self.known & ~is_own, values, -np.inf).max(axis=1)
            comparable = self.known[own] & np.isfinite(rivals)
            measured[name] = np.where(comparable, values[rows, own] - rivals, NEUTRAL)
        return measured


def fits_at_candidates(
    run_context: RunContext, structures: Mapping[str, Structure], settings: FeatureSettings
) -> Fits:
    """Correlate a run's n candidates with structures in many orientations.

    Parameters
    ----------
    run_context : RunContext
        The candidates, and the tomogram that is compared.
    structures : mapping of str to Structure
        By particle type; there may be none.
    settings : FeatureSettings
        Orientations and wedge.
    """
    names = run_context.particle_types
    count, types = len(run_context.types), len(names)
    best = np.full((count, types), NEUTRAL, dtype=np.float32)
    mean, spread = best.copy(), best.copy()
    known = np.array([name in structures for name in names])
    kept = run_context.kept_fits
    for number in np.flatnonzero(known).tolist():
        structure = structures[names[number]]
        # An average also stands in for a structure that nobody knows.
        key = (number, structure, settings.orientations, given_wedge(settings))
        if key not in kept:
            kept[key] = _fits_of_type(run_context, number, structure, settings)
        best[:, number], mean[:, number], spread[:, number] = kept[key]
    return Fits(known, best, mean, spread)


def _fits_of_type(
    run_context: RunContext, number: int, structure: Structure, settings: FeatureSettings
) -> NDArray[np.float32]:
    """Correlate all candidates with one type's structure: best, mean, spread, (3, n)."""
    tomogram = run_context.whitened(given_wedge(settings))
    sizes = run_context.resolutions.voxel_size_zyx_angstrom
    voxel = float(np.mean(sizes))
    indices = angstrom_xyz_to_indices_zyx(run_context.positions_xyz_angstrom, sizes)
    shift = max(1, round(SHIFT_ANGSTROM / voxel))
    fits = np.empty((3, len(run_context.types)), dtype=np.float32)
    is_own = run_context.types == number
    for rows, orientations in (
        (np.flatnonzero(is_own), settings.orientations),
        (np.flatnonzero(~is_own), max(1, settings.orientations // RIVAL_SHARE)),
    ):
        bank = BANKS.bank_of(
            run_context.particle_types[number],
            structure,
            round(voxel, VOXEL_DIGITS),
            tomogram.wedge,
            orientations,
            run_context.threads,
        )
        found = correlations(tomogram.values_zyx, indices[rows], bank, shift, run_context.threads)
        fits[:, rows] = found.max(axis=1), found.mean(axis=1), found.std(axis=1)
    return fits


def given_wedge(settings: FeatureSettings) -> MissingWedge | None:
    """Missing wedge of the configuration; None if it is to be measured."""
    if settings.tilt_range_degrees is None:
        return None
    return MissingWedge(settings.tilt_range_degrees, settings.tilt_axis)
