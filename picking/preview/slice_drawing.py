"""Slices on matplotlib axes, with particles outlined; y and z go upwards."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Circle
from matplotlib.patheffects import AbstractPathEffect, Normal, Stroke

from picking.files.mask import Mask
from picking.preview.slices import DEPTH_AXIS, Plane, Slice, grey

# How far from a slice a particle's centre may be, as a fraction of its radius, for the particle to
# be outlined in it: there a sphere still shows 87 % of its width, further off soon nothing.
NEAR_FRACTION = 0.5
LINE_WIDTH = 1.3  # points
DASHES = (0.0, (3.0, 2.2))  # of the line's width
# Colours of configurations reach from deep purple to cream: each has an edge that sets it off, on
# grey as on paper.
EDGE_WIDTH = 0.7  # points on either side
EDGE_ALPHA = 0.75
# Relative luminance from which a colour counts as light.
LIGHT = 0.45
LUMINANCE_WEIGHTS = (0.2126, 0.7152, 0.0722)

# A mask's outline; no particle of the challenge has its colour.
MASK_COLOR = (255, 230, 0)
MASK_LABEL = "edge of the mask; outside is tinted"
OUTSIDE_ALPHA = 0.2

Rgb = tuple[float, float, float]


def near_slice(
    particles: pd.DataFrame, height_angstrom: float, radius_angstrom: Mapping[str, float]
) -> pd.DataFrame:
    """Leave the particles that an xy slice passes near their centre.

    Parameters
    ----------
    particles : DataFrame
        Columns particle_type and z (Å); types without a radius are left out.
    height_angstrom : float
        The slice's z, Å.
    radius_angstrom : mapping of str to float
        Radius of each type, Å.

    Returns
    -------
    DataFrame
        The rows that stay, in their order.
    """
    # Without a single particle the mapped names would stay text.
    radius = particles["particle_type"].map(dict(radius_angstrom)).astype(np.float64)
    distance = (particles["z"] - height_angstrom).abs()
    return particles[distance <= NEAR_FRACTION * radius]


def draw_slice(axes: Axes, cut: Slice, limits: tuple[float, float]) -> None:
    """Draw a slice in grey at its place in Å.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    cut : Slice
        The slice.
    limits : (float, float)
        Values that become black and white: see :func:`picking.preview.slices.grey_limits`.
    """
    axes.imshow(
        grey(cut.values, limits),
        cmap="gray",
        vmin=0,
        vmax=255,
        extent=cut.extent_angstrom,
        origin="lower",
        interpolation="bilinear",
    )


def outline_mask(axes: Axes, mask: Mask, plane: Plane, height_angstrom: float) -> None:
    """Tint what is outside a mask, and draw where a slice passes through its edge.

    Parameters
    ----------
    axes : Axes
        Where to draw, in Å.
    mask : Mask
        The mask.
    plane : {"xy", "xz", "yz"}
        Plane of the slice.
    height_angstrom : float
        Place of the slice on the axis that it is seen along, Å.
    """
    depth = DEPTH_AXIS[plane]
    rows, columns = (axis for axis in range(3) if axis != depth)
    shape, voxel = mask.inside_zyx.shape, mask.voxel_size_zyx_angstrom
    nearest = int(np.clip(round(height_angstrom / voxel[depth]), 0, shape[depth] - 1))
    section = np.take(mask.inside_zyx, nearest, axis=depth)
    across, up = np.arange(shape[columns]) * voxel[columns], np.arange(shape[rows]) * voxel[rows]
    color = [line_color(MASK_COLOR)]
    if not section.all():
        axes.contourf(across, up, section, levels=[-0.5, 0.5], colors=color, alpha=OUTSIDE_ALPHA)
    if section.all() or not section.any():
        return
    lines = axes.contour(
        across,
        up,
        section,
        levels=[0.5],
        colors=color,
        linewidths=LINE_WIDTH,
        linestyles=[DASHES],
    )
    lines.set_path_effects(_edge(MASK_COLOR))


def outline(
    axes: Axes,
    centre_angstrom: tuple[float, float],
    radius_angstrom: float,
    color: Sequence[int],
    *,
    dashed: bool = False,
) -> None:
    """Draw a particle's outline.

    Parameters
    ----------
    axes : Axes
        Where to draw, in Å.
    centre_angstrom : tuple of float
        Place on the axes.
    radius_angstrom : float
        Radius, Å.
    color : sequence of int
        Red, green, blue (and more, which is not looked at), 0 to 255.
    dashed : bool
        Whether the line is dashed.
    """
    circle = Circle(
        centre_angstrom,
        radius_angstrom,
        fill=False,
        color=line_color(color),
        linewidth=LINE_WIDTH,
        linestyle=DASHES if dashed else "solid",
    )
    circle.set_path_effects(_edge(color))
    axes.add_patch(circle)


def legend_line(label: str, color: Sequence[int], *, dashed: bool = False) -> Line2D:
    """Make the legend's entry for an outline.

    Parameters
    ----------
    label : str
        Text of the entry.
    color : sequence of int
        Red, green, blue (and more, which is not looked at), 0 to 255.
    dashed : bool
        Whether the line is dashed.

    Returns
    -------
    Line2D
    """
    return Line2D(
        [],
        [],
        color=line_color(color),
        linewidth=LINE_WIDTH,
        linestyle=DASHES if dashed else "solid",
        label=label,
        path_effects=_edge(color),
    )


def line_color(color: Sequence[int]) -> Rgb:
    """Turn 0 to 255 into matplotlib's 0 to 1, without the transparency."""
    red, green, blue = (channel / 255 for channel in color[:3])
    return red, green, blue


def edge_color(color: Sequence[int]) -> str:
    """Choose black around light colours and white around dark ones."""
    luminance = sum(
        weight * channel
        for weight, channel in zip(LUMINANCE_WEIGHTS, line_color(color), strict=True)
    )
    return "black" if luminance > LIGHT else "white"


def _edge(color: Sequence[int]) -> list[AbstractPathEffect]:
    width = LINE_WIDTH + 2 * EDGE_WIDTH
    return [Stroke(linewidth=width, foreground=edge_color(color), alpha=EDGE_ALPHA), Normal()]
