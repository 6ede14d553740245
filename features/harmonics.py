"""Harmonics: how a particle's density is shaped in its shells, whichever way it is turned.

A shell's density is a sum of spherical harmonics. How strong all harmonics of one degree are
together does not change when the particle turns: degree 2 is high for what is long or flat, 4 for
what is square, 5 and 6 for what has many subunits, and each shell says at which radius. The missing
wedge and the noise leave this true only on average.

Kazhdan, Funkhouser & Rusinkiewicz (2003). Rotation invariant spherical harmonic representation of
3D shape descriptors.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import sph_harm_y

from features.feature import Feature, Measured
from features.subtomograms import Subtomograms
from picking.config import FeatureSettings
from picking.particle_grid import EXTENT_RADII, STEP_RADII, particle_grid

# Middles of the shells: as far apart as the grid's step resolves, out to where neighbours begin.
SHELL_MIDDLES_RADII = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2)
SHELL_SIGMA_RADII = 0.12  # neighbouring shells overlap, so that none falls between grid points
# Degree 0 is the shell's mean, which the intensity family has. Up to 8 said no more than up to 6.
HIGHEST_DEGREE = 6


def declared(settings: FeatureSettings) -> tuple[Feature, ...]:
    """Features of this family, in the order of the table."""
    return tuple(
        Feature(
            _name(shell, degree),
            "sigma",
            "harmonics",
            f"strength of the harmonics of degree {degree} in the shell at {middle:g} radii",
        )
        for shell, middle in enumerate(SHELL_MIDDLES_RADII)
        for degree in degrees(middle)
    )


def degrees(middle_radii: float) -> range:
    """Degrees whose waves the grid resolves in a shell: a point at least for half a wave."""
    half_waves = int(np.pi * middle_radii / STEP_RADII)
    return range(1, min(half_waves, HIGHEST_DEGREE) + 1)


def _name(shell: int, degree: int) -> str:
    return f"harmonics_shell_{shell}_degree_{degree}"


@cache
def _kernels() -> NDArray[np.float32]:
    """Kernels (P, columns): for every shell and degree its 2 degree + 1 real harmonics."""
    grid = particle_grid()
    z, y, x = grid.offsets_zyx.T
    polar = np.arccos(z / np.maximum(grid.distance, 1e-9))
    azimuth = np.arctan2(y, x)
    columns = []
    for middle in SHELL_MIDDLES_RADII:
        shell = np.exp(-0.5 * np.square((grid.distance - middle) / SHELL_SIGMA_RADII))
        shell *= grid.between(0, EXTENT_RADII) & (grid.distance > 0)  # the centre has no direction
        for degree in degrees(middle):
            for order in range(degree + 1):
                harmonic = sph_harm_y(degree, order, polar, azimuth)
                if order == 0:
                    columns.append(shell * harmonic.real)
                else:
                    columns += [
                        np.sqrt(2) * shell * harmonic.real,
                        np.sqrt(2) * shell * harmonic.imag,
                    ]
            for column in columns[-(2 * degree + 1) :]:
                # A flat cube answers 0 although the grid is coarse; noise of one sigma in every
                # point answers about one, in small shells as in large ones.
                column -= shell * column.sum() / shell.sum()
                column *= np.sqrt(4 * np.pi / np.square(shell).sum())
    return np.stack(columns, axis=1).astype(np.float32)


def measure(subtomograms: Subtomograms, settings: FeatureSettings) -> Measured:
    """Measure this family on n cubes of one particle type; values (n,) by feature name."""
    squares = np.square(subtomograms.values @ _kernels())  # (n, columns)
    measured: Measured = {}
    start = 0
    for shell, middle in enumerate(SHELL_MIDDLES_RADII):
        for degree in degrees(middle):
            orders = 2 * degree + 1
            mean_square = squares[:, start : start + orders].mean(axis=1)
            measured[_name(shell, degree)] = np.sqrt(mean_square)
            start += orders
    return measured
