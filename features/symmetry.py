"""Symmetry: how like itself a particle is when turned, mirrored, or averaged around its centre.

Every measure but the two "share" ones looks at what is left after the radial average is taken
away, since any ball is like itself however it is turned. Turns about z and mirrors are those of
the image (x and y are averaged: they mean the same); turns about the principal axes of the dark
mass are those of the molecule, whatever its orientation.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from features.feature import Feature, Measured
from features.intensity import shell_weights
from features.shape import dark_inertia
from features.subtomograms import Subtomograms
from picking.config import FeatureSettings
from picking.particle_grid import EXTENT_RADII, GRID_SIDE, STEP_RADII, particle_grid

FINE_SHELLS = 12  # of an eighth of a radius: little more than half the grid's step
RING_WIDTH_RADII = 1.5 * STEP_RADII  # rings about z have to hold several points each
SMALLEST_VARIANCE = 1e-6  # squared sigma; a flat body is like nothing
PRINCIPAL_AXES = ("long", "middle", "short")


def declared(settings: FeatureSettings) -> tuple[Feature, ...]:
    """Features of this family, in the order of the table."""
    entries = [
        ("radial_share", "1", "share of the body's variance that its radial average explains"),
        ("axial_share", "1", "share of the body's variance that its average about z explains"),
        ("turn_z_90", "1", "self-correlation under a turn of 90° about z"),
        ("turn_z_180", "1", "self-correlation under a turn of 180° about z"),
        ("turn_xy_180", "1", "self-correlation under turns of 180° about x and y, mean"),
        ("mirror_z", "1", "self-correlation when mirrored in z"),
        ("mirror_xy", "1", "self-correlation when mirrored in x and in y, mean"),
        ("inversion", "1", "self-correlation under point inversion"),
    ]
    entries += [
        (f"turn_{axis}_180", "1", f"self-correlation, 180° about the dark mass's {axis} axis")
        for axis in PRINCIPAL_AXES
    ]
    return tuple(
        Feature(f"symmetry_{name}", unit, "symmetry", f"{meaning}; 0 if flat")
        for name, unit, meaning in entries
    )


@cache
def _turned_orders() -> dict[str, NDArray[np.int64]]:
    """Order of the body's points after each turn or mirror that keeps the grid, (points,)."""
    grid = particle_grid()
    places = np.arange(GRID_SIDE**3).reshape(GRID_SIDE, GRID_SIDE, GRID_SIDE)  # zyx
    turned = {
        "turn_z_90": np.rot90(places, 1, axes=(1, 2)),
        "turn_z_180": places[:, ::-1, ::-1],
        "turn_x_180": places[::-1, ::-1, :],
        "turn_y_180": places[::-1, :, ::-1],
        "mirror_z": places[::-1],
        "mirror_y": places[:, ::-1],
        "mirror_x": places[:, :, ::-1],
        "inversion": places[::-1, ::-1, ::-1],
    }
    number_in_body = np.cumsum(grid.body) - 1
    return {name: number_in_body[order.ravel()[grid.body]] for name, order in turned.items()}


@cache
def _ring_weights() -> NDArray[np.float32]:
    """Averaging weights (body points, rings) of rings about z at each height."""
    grid = particle_grid()
    z, y, x = grid.offsets_zyx[grid.body].T
    height = np.round(z / STEP_RADII).astype(np.int64)
    ring = np.round(np.hypot(y, x) / RING_WIDTH_RADII).astype(np.int64)
    _, member = np.unique(np.stack([height, ring]), axis=1, return_inverse=True)
    members = member.reshape(-1)[:, None] == np.arange(member.max() + 1)
    return np.asarray(members / members.sum(axis=0), dtype=np.float32)


def _without_average(
    values: NDArray[np.float32], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Values (n, points) minus the average over each point's own group."""
    groups = weights > 0
    return values - (values @ weights)[:, np.argmax(groups, axis=1)]


def _correlation(these: NDArray[np.float32], those: NDArray[np.float32]) -> NDArray[np.float32]:
    """Correlation of rows (n, points) about 0; 0 where either is flat."""
    product = np.einsum("np,np->n", these, those)
    floor = SMALLEST_VARIANCE * these.shape[1]
    energy = np.einsum("np,np->n", these, these) * np.einsum("np,np->n", those, those)
    return np.asarray(product / np.maximum(np.sqrt(energy), floor))


def _turned_about_axis(
    cubes: NDArray[np.float32], axes_zyx: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Body values (n, points) of cubes (n, 17, 17, 17) turned by 180° about an axis each."""
    grid = particle_grid()
    points = grid.offsets_zyx[grid.body]  # (points, 3) zyx
    along = axes_zyx @ points.T  # (n, points)
    turned = 2 * along[:, None, :] * axes_zyx[:, :, None] - points.T  # (n, 3, points)
    coordinates = (turned + EXTENT_RADII) / STEP_RADII
    sampled = np.empty((len(cubes), len(points)), dtype=np.float32)
    for row, cube in enumerate(cubes):
        ndimage.map_coordinates(cube, coordinates[row], output=sampled[row], order=1)
    return sampled


def measure(subtomograms: Subtomograms, settings: FeatureSettings) -> Measured:
    """Measure this family on n cubes of one particle type; values (n,) by feature name."""
    grid = particle_grid()
    fine = shell_weights(FINE_SHELLS, EXTENT_RADII)
    occupied = fine[grid.body].any(axis=0)
    shells = fine[grid.body][:, occupied]
    shells = shells / shells.sum(axis=0)  # a shell that the body's surface cuts keeps its inside
    body = subtomograms.body_values - subtomograms.body_values.mean(axis=1, keepdims=True)
    residual = _without_average(body, shells)
    around_z = _without_average(body, _ring_weights())
    total = np.maximum(np.square(body).sum(axis=1), SMALLEST_VARIANCE * body.shape[1])

    turns = {
        name: _correlation(residual, residual[:, order]) for name, order in _turned_orders().items()
    }
    measured: Measured = {
        "symmetry_radial_share": _share(residual, total),
        "symmetry_axial_share": _share(around_z, total),
        "symmetry_turn_z_90": turns["turn_z_90"],
        "symmetry_turn_z_180": turns["turn_z_180"],
        "symmetry_turn_xy_180": (turns["turn_x_180"] + turns["turn_y_180"]) / 2,
        "symmetry_mirror_z": turns["mirror_z"],
        "symmetry_mirror_xy": (turns["mirror_x"] + turns["mirror_y"]) / 2,
        "symmetry_inversion": turns["inversion"],
    }
    axes = dark_inertia(subtomograms).axes_zyx
    for number, name in enumerate(PRINCIPAL_AXES):
        turned = _turned_about_axis(subtomograms.values_nzyx, axes[:, number])
        turned -= turned.mean(axis=1, keepdims=True)
        measured[f"symmetry_turn_{name}_180"] = _correlation(
            residual, _without_average(turned, shells)
        )
    return measured


def _share(left: NDArray[np.float32], total: NDArray[np.float32]) -> NDArray[np.float32]:
    """Share of the variance that is explained when ``left`` (n, points) remains of ``total``."""
    explained = 1 - np.square(left).sum(axis=1) / total
    return np.where(total > SMALLEST_VARIANCE * left.shape[1], explained, 0)
