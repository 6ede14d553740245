"""Draw training tomograms with their picks, to see before a training that both fit each other.

A row for each of the runs with the most picks: an xy and an xz slice where picks are densest, with
the particles outlined, and the mean of the tomogram around all picks of the run, in both planes. If
picks are where particles are, the mean shows a dark particle in the middle; with swapped or
reversed axes, a wrong pixel size or a shifted origin it shows nothing. Masks are outlined; only
picks inside count, and others are not drawn.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from picking.command_line import command_parser, run_command
from picking.config import ParticleType, PipelineConfig, load_config
from picking.coordinates import angstrom_xyz_to_indices_zyx
from picking.data_in.inventory import resolve
from picking.files.mask import Mask, read_mask
from picking.files.tables import POSITION_COLUMNS, TRUTH
from picking.files.tomogram import Tomogram, read_tomogram
from picking.files.whole_files import whole_path
from picking.preview.slice_drawing import (
    MASK_COLOR,
    MASK_LABEL,
    NEAR_FRACTION,
    draw_slice,
    legend_line,
    outline,
    outline_mask,
)
from picking.preview.slices import Plane, grey, grey_limits, thick_slice

# Enough to see that a mistake is no single run's.
RUNS = 3
# Thickness of a slice, Å: less noise, and still thinner than the smallest particles.
THICKNESS_ANGSTROM = 50.0
# Half the width of a mean, in radii of the largest particle.
MEAN_RADII = 2.5
# Picks of a run that the means are taken of; more change nothing that is seen.
MOST_PICKS = 300
PANEL_INCHES = 4.5
MARGIN_INCHES = 0.8
DOTS_PER_INCH = 110
PLANES: tuple[Plane, ...] = ("xy", "xz")
# The axis, among x, y, z, that a plane is seen along.
SEEN_ALONG: dict[Plane, int] = {"xy": 2, "xz": 1}


def draw_import_check(
    config: PipelineConfig, copick_config: Path, truth: pd.DataFrame, output: Path
) -> list[str]:
    """Draw the runs with the most picks.

    Parameters
    ----------
    config : PipelineConfig
        Resolved.
    copick_config : Path
        copick configuration of the training runs.
    truth : DataFrame
        Table ``picking.files.tables.TRUTH``.
    output : Path
        PNG file to write.

    Returns
    -------
    list of str
        The runs that are drawn.

    Raises
    ------
    InputError
        If a tomogram cannot be read.
    """
    runs = [str(run) for run in truth["run"].value_counts(sort=True).index[:RUNS]]
    size = (4 * PANEL_INCHES, len(runs) * PANEL_INCHES + MARGIN_INCHES)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(len(runs), 2 * len(PLANES), squeeze=False)
    masks = {run: read_mask(copick_config, run, config.voxel_spacing) for run in runs}
    has_masks = any(mask is not None for mask in masks.values())
    for row, run in zip(panels, runs, strict=True):
        tomogram = read_tomogram(copick_config, run, *config.tomogram_kind)
        mask = masks[run]
        draw_run(row, tomogram, truth[truth["run"] == run], config.known_particles, mask)
        if has_masks and mask is None:
            row[0].set_title(f"{row[0].get_title()}, no mask", fontsize="medium", parse_math=False)
    counts = truth["particle_type"].value_counts()
    handles = [
        legend_line(f"{item.name} ({counts[item.name]})", item.color)
        for item in config.known_particles
        if item.name in counts
    ]
    figure.legend(
        handles=[
            *handles,
            *([legend_line(MASK_LABEL, MASK_COLOR, dashed=True)] if has_masks else []),
        ],
        loc="outside lower center",
        ncols=6,
        frameon=False,
    )
    with whole_path(output) as unfinished:
        figure.savefig(unfinished, format="png", dpi=DOTS_PER_INCH)
    return runs


def draw_run(
    row: Sequence[Axes],
    tomogram: Tomogram,
    picks: pd.DataFrame,
    particles: Sequence[ParticleType],
    mask: Mask | None = None,
) -> None:
    """Draw one run: a slice in each plane, then the mean around its picks in each plane."""
    positions = picks[POSITION_COLUMNS].to_numpy(np.float64)
    largest = max(particle.radius_angstrom for particle in particles)
    for axes, plane in zip(row, PLANES, strict=False):
        _draw_slice(axes, tomogram, plane, picks, particles, mask)
    cube = mean_around(tomogram, positions, MEAN_RADII * largest)
    for axes, plane in zip(row[len(PLANES) :], PLANES, strict=False):
        middle = cube.shape[0] // 2
        section = cube[middle] if plane == "xy" else cube[:, middle]
        half = MEAN_RADII * largest
        axes.imshow(
            grey(section, (float(cube.min()), float(cube.max()))),
            cmap="gray",
            vmin=0,
            vmax=255,
            extent=(-half, half, -half, half),
            origin="lower",
        )
        axes.set_title(f"mean of {min(len(picks), MOST_PICKS)} picks, {plane}", fontsize="medium")
        axes.set(xlabel=f"{plane[0]} / Å", ylabel=f"{plane[1]} / Å")


def mean_around(
    tomogram: Tomogram, positions_xyz_angstrom: NDArray[np.float64], half_width_angstrom: float
) -> NDArray[np.float64]:
    """Mean of cubes around positions; a cube counts as far as it is inside the tomogram.

    Parameters
    ----------
    tomogram : Tomogram
        What is looked at.
    positions_xyz_angstrom : ndarray, (n, 3), float64
        Their middles, Å; of many, evenly chosen ones are taken.
    half_width_angstrom : float
        Distance from the middle to a face of the cube, Å.

    Returns
    -------
    ndarray, (side, side, side), float64
        zyx; the tomogram's mean where no cube reaches.
    """
    step = max(1, len(positions_xyz_angstrom) // MOST_PICKS)
    chosen = positions_xyz_angstrom[::step][:MOST_PICKS]
    voxel = tomogram.voxel_size_zyx_angstrom
    middles = np.rint(angstrom_xyz_to_indices_zyx(chosen, voxel)).astype(np.int64)  # (n, 3) zyx
    reach = max(1, round(half_width_angstrom / float(voxel.mean())))
    steps = np.arange(-reach, reach + 1)
    total, number = np.zeros((len(steps),) * 3), np.zeros((len(steps),) * 3)
    shape = tomogram.values_zyx.shape
    for middle in middles:
        places = [centre + steps for centre in middle]
        inside = [(place >= 0) & (place < side) for place, side in zip(places, shape, strict=True)]
        box = np.ix_(*inside)
        values = tomogram.values_zyx[
            np.ix_(*(place[kept] for place, kept in zip(places, inside, strict=True)))
        ]
        total[box] += values
        number[box] += 1
    mean = float(tomogram.values_zyx.mean())
    return np.divide(total, number, out=np.full_like(total, mean), where=number > 0)


def _draw_slice(
    axes: Axes,
    tomogram: Tomogram,
    plane: Plane,
    picks: pd.DataFrame,
    particles: Sequence[ParticleType],
    mask: Mask | None,
) -> None:
    along = SEEN_ALONG[plane]
    reach = max(particle.radius_angstrom for particle in particles)
    positions = picks[POSITION_COLUMNS].to_numpy(np.float64)
    centre = np.zeros(3)
    centre[along] = densest(positions[:, along], reach)
    voxel = float(tomogram.voxel_size_zyx_angstrom.mean())
    cut = thick_slice(tomogram, plane, centre, max(1, round(THICKNESS_ANGSTROM / voxel)))
    draw_slice(axes, cut, grey_limits(cut.values))
    if mask is not None:
        outline_mask(axes, mask, plane, float(centre[along]))
    left, right, low, high = cut.extent_angstrom
    across = ["xyz".index(axis) for axis in plane]
    for particle in particles:
        of_type = picks[picks["particle_type"] == particle.name]
        for position in of_type[POSITION_COLUMNS].to_numpy(np.float64):
            distance = abs(position[along] - centre[along])
            if distance <= NEAR_FRACTION * particle.radius_angstrom:
                place = (float(position[across[0]]), float(position[across[1]]))
                outline(axes, place, particle.radius_angstrom, particle.color)
    axes.set(xlim=(left, right), ylim=(low, high))
    axes.set(xlabel=f"{plane[0]} / Å", ylabel=f"{plane[1]} / Å")
    seen = "xyz"[along]
    # A name may hold a dollar sign, which is no formula.
    axes.set_title(
        f"{tomogram.run}, {seen} = {centre[along]:.0f} Å", fontsize="medium", parse_math=False
    )


def densest(values: NDArray[np.float64], reach: float) -> float:
    """Value, of those given, that has the most others within ``reach``."""
    ordered = np.sort(values)
    number = np.searchsorted(ordered, ordered + reach) - np.searchsorted(ordered, ordered - reach)
    return float(ordered[int(np.argmax(number))])


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command_parser(__doc__)
    parser.add_argument(
        "--copick", type=Path, required=True, help="copick configuration of the training runs"
    )
    parser.add_argument("--truth", type=Path, required=True, help="table of truth picks")
    parser.add_argument("--output", type=Path, required=True, help="PNG file to write")
    arguments = parser.parse_args(argv)
    config = resolve(load_config(arguments.config))
    runs = draw_import_check(
        config, arguments.copick, TRUTH.read(arguments.truth), arguments.output
    )
    print(f"{', '.join(runs)} with their picks, to look at before training: {arguments.output}")


if __name__ == "__main__":
    run_command(main)
