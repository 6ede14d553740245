"""Pictures of a tomogram as data URLs: one particle in three slices, and a whole field."""

import base64
import io
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from picking.coordinates import extent_xyz_angstrom
from picking.files.tables import POSITION_COLUMNS
from picking.files.tomogram import Tomogram
from picking.preview.slice_drawing import NEAR_FRACTION, draw_slice, outline
from picking.preview.slices import Plane, Slice, grey_limits, thick_slice

# Voxels averaged: less noise, and still thinner than the smallest particles.
THICKNESS = 3
# Of a particle's picture, in its radii: the particle and as much again around it.
HALF_WIDTH_RADII = 2.0
PARTICLE_PIXELS = 120  # side of one of the three slices
GAP_PIXELS = 4
# Longer side of a field: 7 of them and 72 particles stay below 4 MB of text.
FIELD_PIXELS = 800
DOTS_PER_INCH = 100
JPEG = {"quality": 85, "subsampling": 0}  # colour as fine as brightness: the lines are thin
# Where a picture reaches beyond the tomogram: no grey.
OUTSIDE_COLOR = "#5b6b80"
# A reference's circle would lie upon its pick's: it is drawn so much wider.
REFERENCE_WIDER = 1.15
# The xyz axes along a plane's columns and rows.
PLANE_AXES: dict[Plane, tuple[int, int]] = {"xy": (0, 1), "xz": (0, 2), "yz": (1, 2)}

Position = tuple[float, float, float]


def half_width_angstrom(radius_angstrom: float) -> float:
    """Distance from the middle of a particle's picture to its sides, Å."""
    return HALF_WIDTH_RADII * radius_angstrom


def field_limits(tomogram: Tomogram, height_angstrom: float) -> tuple[float, float]:
    """Values that are black and white in all pictures of a run, so that they can be compared."""
    cut = thick_slice(tomogram, "xy", (0, 0, height_angstrom), THICKNESS)
    return grey_limits(cut.values)


def draw_particle(
    tomogram: Tomogram,
    position_xyz_angstrom: Position,
    radius_angstrom: float,
    color: Sequence[int],
    limits: tuple[float, float],
) -> str:
    """Draw the xy, xz and yz slice through a particle, side by side, with its radius.

    Parameters
    ----------
    tomogram : Tomogram
        The run's tomogram.
    position_xyz_angstrom : tuple of float
        Position in the middle; it may lie at the border.
    radius_angstrom : float
        The type's radius.
    color : sequence of int
        The type's colour, 0 to 255.
    limits : tuple of float
        Values that are black and white.

    Returns
    -------
    str
        Data URL of a JPEG picture.
    """
    reach = half_width_angstrom(radius_angstrom)
    width = 3 * PARTICLE_PIXELS + 2 * GAP_PIXELS
    # White between the slices.
    figure = _figure(width, PARTICLE_PIXELS)
    for number, (plane, axes_xyz) in enumerate(PLANE_AXES.items()):
        left = number * (PARTICLE_PIXELS + GAP_PIXELS) / width
        axes = _bare_axes(figure, (left, 0, PARTICLE_PIXELS / width, 1))
        cut = thick_slice(tomogram, plane, position_xyz_angstrom, THICKNESS, reach)
        draw_slice(axes, cut, limits)
        across, up = (position_xyz_angstrom[axis] for axis in axes_xyz)
        outline(axes, (across, up), radius_angstrom, color)
        axes.set(xlim=(across - reach, across + reach), ylim=(up - reach, up + reach))
    return _data_url(figure)


def draw_mean(mean_zyx: NDArray[np.float64], limits: tuple[float, float]) -> str:
    """Draw the central xy and xz slice of a mean subtomogram, side by side.

    Parameters
    ----------
    mean_zyx : ndarray, (S, S, S), float64
        Mean values of a cube around the particles.
    limits : tuple of float
        Values that are black and white.

    Returns
    -------
    str
        Data URL of a JPEG picture.
    """
    width = 2 * PARTICLE_PIXELS + GAP_PIXELS
    figure = _figure(width, PARTICLE_PIXELS)
    for number, cut in enumerate(central_slices(mean_zyx)):
        left = number * (PARTICLE_PIXELS + GAP_PIXELS) / width
        axes = _bare_axes(figure, (left, 0, PARTICLE_PIXELS / width, 1))
        draw_slice(axes, Slice(cut, (-1.0, 1.0, -1.0, 1.0)), limits)
    return _data_url(figure)


def central_slices(
    mean_zyx: NDArray[np.float64],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Average the middle layers of a cube of odd side: its xy and its xz slice, (S, S) each."""
    middle, reach = len(mean_zyx) // 2, THICKNESS // 2
    layers = slice(middle - reach, middle + reach + 1)
    return (
        mean_zyx[layers].mean(axis=0).astype(np.float32),
        mean_zyx[:, layers].mean(axis=1).astype(np.float32),
    )


def fullest_height(
    particles: pd.DataFrame, tomogram: Tomogram, radius_angstrom: Mapping[str, float]
) -> float:
    """Height in Å of the xy slice that passes near the most particles; the middle without any."""
    depth, rows, columns = tomogram.values_zyx.shape
    top = extent_xyz_angstrom((depth, rows, columns), tomogram.voxel_size_zyx_angstrom)[2]
    radius = particles["particle_type"].map(dict(radius_angstrom)).to_numpy(np.float64)
    known = np.isfinite(radius)
    z = particles["z"].to_numpy(np.float64)[known]
    reach = NEAR_FRACTION * radius[known]
    heights = np.unique(np.clip(z, 0, top))
    if not len(heights):
        return float(top / 2)
    # Those that begin at or below a height, less those that end below it.
    begun = np.searchsorted(np.sort(z - reach), heights, side="right")
    ended = np.searchsorted(np.sort(z + reach), heights, side="left")
    return float(heights[np.argmax(begun - ended)])


def draw_field(
    tomogram: Tomogram,
    height_angstrom: float,
    picks: pd.DataFrame,
    references: pd.DataFrame,
    radius_angstrom: Mapping[str, float],
    colors: Mapping[str, Sequence[int]],
    limits: tuple[float, float],
) -> str:
    """Draw a whole xy slice with picks (solid) and references (dashed and wider).

    Parameters
    ----------
    tomogram : Tomogram
        The run's tomogram.
    height_angstrom : float
        Height of the slice.
    picks, references : DataFrame
        Columns particle_type, x, y, z (Å): those to draw.
    radius_angstrom : mapping of str to float
        Radius of each type.
    colors : mapping of str to sequence of int
        Colour of each type, 0 to 255.
    limits : tuple of float
        Values that are black and white.

    Returns
    -------
    str
        Data URL of a JPEG picture.
    """
    cut = thick_slice(tomogram, "xy", (0, 0, height_angstrom), THICKNESS)
    left, right, low, high = cut.extent_angstrom
    pixels_per_angstrom = FIELD_PIXELS / max(right - left, high - low)
    figure = _figure(
        max(1, round((right - left) * pixels_per_angstrom)),
        max(1, round((high - low) * pixels_per_angstrom)),
    )
    axes = _bare_axes(figure, (0, 0, 1, 1))
    draw_slice(axes, cut, limits)
    for particles, wider, dashed in ((references, REFERENCE_WIDER, True), (picks, 1.0, False)):
        positions = particles[POSITION_COLUMNS].to_numpy(np.float64)  # (n, 3) xyz Å
        for name, (x, y, _) in zip(particles["particle_type"], positions, strict=True):
            outline(axes, (x, y), radius_angstrom[name] * wider, colors[name], dashed=dashed)
    axes.set(xlim=(left, right), ylim=(low, high))
    return _data_url(figure)


def _figure(width: int, height: int) -> Figure:
    size = (width / DOTS_PER_INCH, height / DOTS_PER_INCH)
    return Figure(figsize=size, dpi=DOTS_PER_INCH, facecolor="white")


def _bare_axes(figure: Figure, place: tuple[float, float, float, float]) -> Axes:
    axes = figure.add_axes(place, facecolor=OUTSIDE_COLOR)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    return axes


def _data_url(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="jpeg", dpi=DOTS_PER_INCH, pil_kwargs=JPEG)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
