"""Texture: how rough a particle is, at which scales, and how far its density is correlated."""

from functools import cache
from itertools import pairwise

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy import ndimage

from features.feature import Feature, Measured
from features.subtomograms import Subtomograms
from picking.config import FeatureSettings
from picking.particle_grid import EXTENT_RADII, GRID_SIDE, STEP_RADII, particle_grid

LOCAL_BOXES = {"fine": 3, "coarse": 5}  # sides in grid points: 0.4 and 0.75 radii across
LAGS = {"near": 2, "far": 4}  # grid points: 0.375 and 0.75 radii
# Upper bounds of the frequency bands, cycles per radius: the whole particle, its halves, its
# subunits, and what is left up to the cube's Nyquist frequency of 2.7.
BANDS_PER_RADIUS = (0.5, 0.9, 1.5)
ENTROPY_REACH = 4.0  # sigma either way that the histogram covers; beyond counts as the last bin
ENTROPY_BINS = 16
SMALLEST_VARIANCE = 1e-6  # squared sigma; a flat cube has no texture


def declared(settings: FeatureSettings) -> tuple[Feature, ...]:
    """Features of this family, in the order of the table."""
    entries = [
        (f"local_std_{name}", "sigma", f"mean local spread in boxes of {side} points, in the body")
        for name, side in LOCAL_BOXES.items()
    ]
    entries.append(("entropy", "nat", "entropy of the body's histogram of 16 bins over ±4 sigma"))
    for name, lag in LAGS.items():
        distance = f"{lag * STEP_RADII:g} radii"
        entries += [
            (f"correlation_xy_{name}", "1", f"autocorrelation at {distance} in xy; 0 if flat"),
            (f"correlation_z_{name}", "1", f"autocorrelation at {distance} along z; 0 if flat"),
        ]
    bounds = (0.0, *BANDS_PER_RADIUS)
    for band, (lower, upper) in enumerate(pairwise(bounds)):
        entries.append(
            (f"energy_band_{band}", "1", f"share of energy at {lower:g} to {upper:g} per radius")
        )
    entries += [
        ("energy_high", "1", f"share of energy above {BANDS_PER_RADIUS[-1]:g} per radius"),
        ("energy_total", "log(sigma²)", "logarithm of the variance under a soft window"),
        ("energy_z_share", "1", "z's share of the squared frequency: low where z is smeared"),
    ]
    return tuple(
        Feature(f"texture_{name}", unit, "texture", meaning) for name, unit, meaning in entries
    )


@cache
def _soft_window() -> NDArray[np.float32]:
    """Hann window (P,) over the cube's ball: no edges that would look like high frequencies."""
    grid = particle_grid()
    window = 0.5 * (1 + np.cos(np.pi * grid.distance / EXTENT_RADII)) * grid.ball
    return window.astype(np.float32)


@cache
def _spectral_weights() -> NDArray[np.float32]:
    """Weights (frequencies, 7) on a half spectrum: four bands, all, z's share's two sums."""
    full = np.fft.fftfreq(GRID_SIDE, STEP_RADII)
    half = np.fft.rfftfreq(GRID_SIDE, STEP_RADII)
    kz, ky, kx = np.meshgrid(full, full, half, indexing="ij")
    squared = kz**2 + ky**2 + kx**2
    multiplicity = np.where(kx > 0, 2.0, 1.0)  # the half spectrum leaves out the mirror images
    multiplicity[squared == 0] = 0
    bounds = (0.0, *BANDS_PER_RADIUS, np.inf)
    frequency = np.sqrt(squared)
    columns = [
        multiplicity * ((frequency > lower) & (frequency <= upper))
        for lower, upper in pairwise(bounds)
    ]
    columns += [multiplicity, multiplicity * kz**2, multiplicity * squared]
    return np.stack([column.ravel() for column in columns], axis=1).astype(np.float32)


def _spectral(subtomograms: Subtomograms) -> Measured:
    grid = particle_grid()
    ball_mean = subtomograms.values[:, grid.ball].mean(axis=1)
    windowed = (subtomograms.values - ball_mean[:, None]) * _soft_window()
    cubes = windowed.reshape(-1, GRID_SIDE, GRID_SIDE, GRID_SIDE)
    spectrum = scipy.fft.rfftn(cubes, axes=(1, 2, 3))
    power = (np.square(spectrum.real) + np.square(spectrum.imag)).reshape(len(cubes), -1)
    sums = power @ _spectral_weights()
    bands = len(BANDS_PER_RADIUS)
    floor = SMALLEST_VARIANCE * GRID_SIDE**3 * float(np.square(_soft_window()).sum())
    total = np.maximum(sums[:, bands + 1], floor)
    # Parseval: power over the number of points is the windowed cube's sum of squares.
    variance = total / (GRID_SIDE**3 * float(np.square(_soft_window()).sum()))
    measured = {f"texture_energy_band_{band}": sums[:, band] / total for band in range(bands)}
    measured["texture_energy_high"] = sums[:, bands] / total
    measured["texture_energy_total"] = np.log(variance)
    measured["texture_energy_z_share"] = sums[:, bands + 2] / np.maximum(sums[:, bands + 3], floor)
    return measured


def _entropy(body_values: NDArray[np.float32]) -> NDArray[np.float32]:
    scaled = (body_values + ENTROPY_REACH) * (ENTROPY_BINS / (2 * ENTROPY_REACH))
    bins = np.clip(scaled, 0, ENTROPY_BINS - 1).astype(np.int64)  # (n, points)
    rows = np.arange(len(bins))[:, None] * ENTROPY_BINS
    counts = np.bincount((bins + rows).ravel(), minlength=len(bins) * ENTROPY_BINS)
    shares = counts.reshape(len(bins), ENTROPY_BINS) / body_values.shape[1]
    return np.asarray(
        -(shares * np.log(np.where(shares > 0, shares, 1))).sum(axis=1), dtype=np.float32
    )


def _autocorrelations(subtomograms: Subtomograms) -> Measured:
    """Correlation of the body with itself shifted, over pairs of points that both lie in it."""
    grid = particle_grid()
    body = grid.body.reshape(GRID_SIDE, GRID_SIDE, GRID_SIDE)
    mean = subtomograms.body_values.mean(axis=1)
    variance = subtomograms.body_values.var(axis=1)
    deviations = (subtomograms.values_nzyx - mean[:, None, None, None]) * body
    measured: Measured = {}
    for name, lag in LAGS.items():
        along = []
        for axis in range(3):
            ahead = [slice(None)] * 4
            behind = [slice(None)] * 4
            ahead[axis + 1], behind[axis + 1] = slice(lag, None), slice(None, -lag)
            pairs = (body[tuple(ahead[1:])] & body[tuple(behind[1:])]).sum()
            products = np.einsum(
                "nzyx,nzyx->n", deviations[tuple(ahead)], deviations[tuple(behind)]
            )
            along.append(products / pairs / np.maximum(variance, SMALLEST_VARIANCE))
        measured[f"texture_correlation_z_{name}"] = along[0]
        measured[f"texture_correlation_xy_{name}"] = (along[1] + along[2]) / 2
    return measured


def measure(subtomograms: Subtomograms, settings: FeatureSettings) -> Measured:
    """Measure this family on n cubes of one particle type; values (n,) by feature name."""
    grid = particle_grid()
    measured = _autocorrelations(subtomograms) | _spectral(subtomograms)
    measured["texture_entropy"] = _entropy(subtomograms.body_values)
    centred = subtomograms.values_nzyx - subtomograms.background[:, None, None, None]
    for name, side in LOCAL_BOXES.items():
        box = (1, side, side, side)
        mean = ndimage.uniform_filter(centred, box, mode="nearest")
        square = ndimage.uniform_filter(np.square(centred), box, mode="nearest")
        spread = np.sqrt(np.maximum(square - np.square(mean), 0)).reshape(len(centred), -1)
        measured[f"texture_local_std_{name}"] = spread[:, grid.body].mean(axis=1)
    return measured
