"""Grey values at picks against what is around them: whether particles are dark, and picks right."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from picking.data_in.plausible_picks import (
    HARDLY_DARK,
    LEAST_PICKS,
    LIKELY_DARK,
    MOSTLY_INSIDE,
    READINGS,
    Reading,
)
from picking.data_in.tomogram_size import COARSE_VOXEL_ANGSTROM, TomogramSize
from picking.files.tables import POSITION_COLUMNS

# Side of the surroundings that a pick is compared with, in radii of the particle: its own width
# twice, so that slopes of the ice and of the illumination are taken out, and particles are not.
SURROUNDINGS_RADII = 4.0
# How many times as plain another reading of the positions has to be.
CLEARLY_BETTER = 1.5


@dataclass(frozen=True)
class GreyAtPicks:
    """How grey picks are, against their surroundings.

    Parameters
    ----------
    picks : int
        Picks inside their tomograms.
    share_inside : float
        Share of all picks that these are.
    sigmas : float
        Mean difference to the surroundings, in standard deviations of such differences anywhere;
        below 0 where picks are darker. NaN for fewer than LEAST_PICKS picks.
    standard_errors : float
        The same in standard errors of the mean.
    """

    picks: int
    share_inside: float
    sigmas: float
    standard_errors: float

    @property
    def is_bright(self) -> bool:
        """Whether the picks are plainly brighter than what is around them."""
        return self.standard_errors > -LIKELY_DARK


def local_contrast(size: TomogramSize, radius_angstrom: float) -> TomogramSize:
    """Take from every coarse value the mean of its surroundings."""
    side = max(3, round(SURROUNDINGS_RADII * radius_angstrom / COARSE_VOXEL_ANGSTROM))
    values = size.coarse_zyx.astype(np.float64)
    around = ndimage.uniform_filter(values, side, mode="nearest")
    return replace(size, coarse_zyx=(values - around).astype(np.float32))


def grey_at_picks(
    truth: pd.DataFrame, contrasts: Mapping[str, TomogramSize], reading: Reading | None = None
) -> GreyAtPicks:
    """Measure how grey picks are, in all runs together.

    Parameters
    ----------
    truth : DataFrame
        Table ``picking.files.tables.TRUTH``.
    contrasts : mapping of str to TomogramSize
        By run, as :func:`local_contrast` gives them.
    reading : callable or None
        Another reading of the positions (``picking.data_in.plausible_picks.READINGS``).
    """
    values = [np.empty(0)]
    for run, picks in truth.groupby("run"):
        size = contrasts[str(run)]
        spread = float(size.coarse_zyx.std())
        xyz = picks[POSITION_COLUMNS].to_numpy(np.float64)
        at_picks = _values_at(xyz if reading is None else reading(xyz, size), size)
        if spread > 0:
            values.append((at_picks - float(size.coarse_zyx.mean())) / spread)
    differences = np.concatenate(values)
    number = len(differences)
    mean = float(differences.mean()) if number >= LEAST_PICKS else float("nan")
    return GreyAtPicks(number, number / max(len(truth), 1), mean, mean * math.sqrt(number))


def _values_at(xyz_angstrom: NDArray[np.float64], size: TomogramSize) -> NDArray[np.float64]:
    """Coarse values at the places, (n,), that are inside the tomogram."""
    share = xyz_angstrom / np.maximum(size.extent_xyz_angstrom, 1.0)
    inside = share[((share >= 0) & (share <= 1)).all(axis=1)]
    last_zyx = np.array(size.coarse_zyx.shape) - 1
    indices = np.rint(inside[:, ::-1] * last_zyx).astype(np.int64)
    values: NDArray[np.float64] = size.coarse_zyx[tuple(indices.T)].astype(np.float64)
    return values


def better_reading(
    truth: pd.DataFrame, contrasts: Mapping[str, TomogramSize], are_dark: bool | None
) -> str | None:
    """Find the mistake by which picks are not where particles are, if one explains it well.

    In crowded specimens wrong places are not those of chance: picks on one particle's place may hit
    others. So the readings are compared with each other.

    Parameters
    ----------
    truth, contrasts
        As for :func:`grey_at_picks`.
    are_dark : bool or None
        Whether particles are dark; None: one or the other.

    Returns
    -------
    str or None
        The reading of ``READINGS`` by which picks stand out most, if they do so plainly, and
        CLEARLY_BETTER than as they are given.
    """

    def clear(grey: GreyAtPicks) -> float:
        errors = grey.standard_errors
        return abs(errors) if are_dark is None else -errors if are_dark else errors

    as_given = clear(grey_at_picks(truth, contrasts))
    best = max(-LIKELY_DARK, CLEARLY_BETTER * (0.0 if math.isnan(as_given) else as_given))
    found = None
    for cause, reading in READINGS.items():
        read = grey_at_picks(truth, contrasts, reading)
        if read.share_inside >= MOSTLY_INSIDE and clear(read) > best:
            best, found = clear(read), cause
    return found


def told(grey: GreyAtPicks) -> str:
    """Say in one line how grey the picks are."""
    if math.isnan(grey.sigmas):
        return f"{grey.picks} picks are too few to say whether particles are dark"
    side = "darker" if grey.sigmas < 0 else "brighter"
    return (
        f"{grey.picks} picks are on average {abs(grey.sigmas):.2f} sigmas {side} than what is "
        f"around them, {abs(grey.standard_errors):.1f} times what chance would give"
    )


def is_doubtful(grey: GreyAtPicks) -> bool:
    """Whether enough picks are no darker than chance would have it."""
    return grey.picks >= LEAST_PICKS and grey.standard_errors > HARDLY_DARK
