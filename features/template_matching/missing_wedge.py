"""The missing wedge: which frequencies a tilt series holds, given or measured."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

TiltAxis = Literal["x", "y"]

# Frequencies that the wedge is measured at, 1/Å: finer than the slab's own shape, coarse enough
# that every kind of tomogram holds them.
MEASURED_FROM, MEASURED_TO = 1 / 100, 1 / 40
# Bins of the angle between a frequency and the plane of no tilt.
BIN_DEGREES = 3.0
# The mean power up to this angle is taken for that of frequencies that were recorded, and beyond
# the other one for that of the missing ones: no tilt series is narrower or wider.
SURELY_RECORDED_DEGREES, SURELY_MISSING_DEGREES = 24.0, 78.0
# The tilts end where the power has fallen to this share of what it is between them: noise reduction
# lowers it to a third towards the end already.
FALLEN_SHARE = 0.1
# Less of a drop of power than this is no missing wedge: a tomogram in which it was filled, or one
# of another kind.
LEAST_DROP = 20.0
FULL_RANGE_DEGREES = 90.0


@dataclass(frozen=True)
class MissingWedge:
    """Frequencies that a single-axis tilt series records.

    Parameters
    ----------
    tilt_range_degrees : float
        Tilts run from minus this to plus this; 90: nothing is missing.
    tilt_axis : {"y", "x"}
        Axis that the specimen was turned about.
    """

    tilt_range_degrees: float = FULL_RANGE_DEGREES
    tilt_axis: TiltAxis = "y"

    def holds(
        self,
        kz: NDArray[np.floating],
        ky: NDArray[np.floating],
        kx: NDArray[np.floating],
    ) -> NDArray[np.bool_]:
        """Tell which frequencies were recorded.

        Parameters
        ----------
        kz, ky, kx : ndarray
            Frequencies along each axis, all in one unit; the arrays are broadcast.

        Returns
        -------
        ndarray, bool
            Of the broadcast shape; True: recorded.
        """
        if self.tilt_range_degrees >= FULL_RANGE_DEGREES:
            return np.ones(np.broadcast_shapes(kz.shape, ky.shape, kx.shape), dtype=bool)
        across = kx if self.tilt_axis == "y" else ky
        steepest = np.tan(np.radians(self.tilt_range_degrees))
        recorded = np.abs(kz) <= np.abs(across) * steepest
        return np.broadcast_to(recorded, np.broadcast_shapes(kz.shape, ky.shape, kx.shape))


def measure_wedge(
    power: NDArray[np.floating],
    kz: NDArray[np.floating],
    ky: NDArray[np.floating],
    kx: NDArray[np.floating],
) -> MissingWedge:
    """Measure the missing wedge from a tomogram's own power spectrum.

    Across the tilt axis the power falls by orders of magnitude where the tilts end.

    Parameters
    ----------
    power : ndarray, (Z, Y, X)
        Squared Fourier amplitudes.
    kz, ky, kx : ndarray
        Frequencies, 1/Å, that broadcast to (Z, Y, X).

    Returns
    -------
    MissingWedge
        One without a missing part if the power does not fall.
    """
    squared = kz**2 + ky**2 + kx**2
    band = (squared > MEASURED_FROM**2) & (squared < MEASURED_TO**2)
    measured = power[band]
    flat = [np.abs(np.broadcast_to(k, band.shape)[band]) for k in (kz, ky, kx)]
    edges = np.arange(0, FULL_RANGE_DEGREES + BIN_DEGREES, BIN_DEGREES)
    middles = (edges[:-1] + edges[1:]) / 2
    found: list[tuple[float, MissingWedge]] = []
    axes: tuple[tuple[TiltAxis, int], ...] = (("y", 2), ("x", 1))
    for tilt_axis, across in axes:
        angle = np.degrees(np.arctan2(flat[0], flat[across]))
        bins = np.clip(np.digitize(angle, edges) - 1, 0, len(middles) - 1)
        count = np.bincount(bins, minlength=len(middles))
        mean = np.bincount(bins, weights=measured, minlength=len(middles)) / np.maximum(count, 1)
        filled = count > 0
        height = np.log(np.maximum(mean[filled], np.finfo(np.float64).tiny))
        at = middles[filled]
        top = height[at < SURELY_RECORDED_DEGREES]
        bottom = height[at > SURELY_MISSING_DEGREES]
        if not len(top) or not len(bottom):
            continue
        drop = float(top.mean() - bottom.mean())
        if drop > np.log(LEAST_DROP):
            recorded = np.flatnonzero(height > top.mean() + np.log(FALLEN_SHARE))
            end = float(at[recorded[-1]] + BIN_DEGREES / 2)
            found.append((drop, MissingWedge(min(end, FULL_RANGE_DEGREES), tilt_axis)))
    return max(found, key=lambda one: one[0])[1] if found else MissingWedge()
