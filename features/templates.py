"""Templates: how well the structures of the particle types fit at a candidate, however turned."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.feature import Feature, Measured
from features.run_context import RunContext
from features.template_matching.correlation import correlations
from features.template_matching.kept_banks import KeptBanks
from features.template_matching.missing_wedge import MissingWedge
from features.template_matching.whitening import FINEST_ANGSTROM, whitened
from picking.config import FeatureSettings
from picking.coordinates import angstrom_xyz_to_indices_zyx

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

BANKS = KeptBanks()


def declared(settings: FeatureSettings, particle_types: Sequence[str]) -> tuple[Feature, ...]:
    """Features of this family, in the order of the table."""
    entries = [
        ("own_best", "1", "best correlation of the own type's structure over its orientations"),
        ("own_over_mean", "1", "own best correlation, less the mean over the orientations"),
        (
            "own_stand_out",
            "1",
            "own best correlation less the mean, over the spread over the orientations",
        ),
        ("margin", "1", "own best correlation minus the best of any other type"),
        (
            "margin_over_mean",
            "1",
            "own best correlation less its mean, minus the best such of any other type",
        ),
    ]
    for name in particle_types:
        entries += [
            (f"{name}_best", "1", f"best correlation of {name}'s structure"),
            (
                f"{name}_over_mean",
                "1",
                f"best correlation of {name}'s structure, less the mean over the orientations",
            ),
        ]
    return tuple(
        Feature(f"templates_{name}", unit, "templates", f"{meaning}; 0 without a structure")
        for name, unit, meaning in entries
    )


def measure(run_context: RunContext, settings: FeatureSettings) -> Measured:
    """Measure this family on a run's n candidates; values (n,) by feature name."""
    names = run_context.particle_types
    count, types = len(run_context.types), len(names)
    best = np.full((count, types), NEUTRAL, dtype=np.float32)
    mean, spread = best.copy(), best.copy()
    known = np.array([name in run_context.structures for name in names])
    if known.any():
        tomogram = whitened(
            run_context.resolutions.levels[0],
            run_context.resolutions.voxel_size_zyx_angstrom,
            given_wedge(settings),
            run_context.threads,
        )
        voxel = float(np.mean(run_context.resolutions.voxel_size_zyx_angstrom))
        indices = angstrom_xyz_to_indices_zyx(
            run_context.positions_xyz_angstrom, run_context.resolutions.voxel_size_zyx_angstrom
        )
        shift = max(1, round(SHIFT_ANGSTROM / voxel))
        for number in np.flatnonzero(known):
            is_own = run_context.types == number
            for rows, orientations in (
                (np.flatnonzero(is_own), settings.orientations),
                (np.flatnonzero(~is_own), max(1, settings.orientations // RIVAL_SHARE)),
            ):
                bank = BANKS.bank_of(
                    names[number],
                    run_context.structures[names[number]],
                    round(voxel, VOXEL_DIGITS),
                    tomogram.wedge,
                    orientations,
                    run_context.threads,
                )
                found = correlations(
                    tomogram.values_zyx, indices[rows], bank, shift, run_context.threads
                )
                best[rows, number] = found.max(axis=1)
                mean[rows, number], spread[rows, number] = found.mean(axis=1), found.std(axis=1)
    return _measured(run_context, known, best, mean, spread)


def _measured(
    run_context: RunContext,
    known: NDArray[np.bool_],
    best: NDArray[np.float32],
    mean: NDArray[np.float32],
    spread: NDArray[np.float32],
) -> Measured:
    rows, own = np.arange(len(best)), run_context.types
    over_mean = best - mean
    is_own = np.arange(len(known)) == own[:, None]  # (n, T)
    measured: Measured = {
        "own_best": best[rows, own],
        "own_over_mean": over_mean[rows, own],
        "own_stand_out": over_mean[rows, own] / np.maximum(spread[rows, own], SMALLEST_SPREAD),
    }
    for name, values in (("margin", best), ("margin_over_mean", over_mean)):
        rivals = np.where(known & ~is_own, values, -np.inf).max(axis=1)
        comparable = known[own] & np.isfinite(rivals)
        measured[name] = np.where(comparable, values[rows, own] - rivals, NEUTRAL)
    for number, name in enumerate(run_context.particle_types):
        measured[f"{name}_best"] = best[:, number]
        measured[f"{name}_over_mean"] = over_mean[:, number]
    return {f"templates_{name}": values for name, values in measured.items()}


def given_wedge(settings: FeatureSettings) -> MissingWedge | None:
    """Missing wedge of the configuration; None if it is to be measured."""
    if settings.tilt_range_degrees is None:
        return None
    return MissingWedge(settings.tilt_range_degrees, settings.tilt_axis)
