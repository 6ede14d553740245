r"""Draw a run's tomogram with its picks: a few slices as a PNG file, or all on a page to look into.

--output: thick xy slices at even heights of the slab in which picks are; each particle is outlined
with the radius and colour of its type in the slices that pass near its centre. Without
--picks-config the picks are those of the project (of a training run: the truth); with it, the final
picks of the pipeline, with their scores:

    python -m picking.preview RUN --config config/config.yaml \
        --copick results/NAME/copick/test.json \
        --picks-config results/NAME/picks/copick.json --output RUN.png

--html: one file, at most 10 MB, for any browser, to choose cut-offs by eye: slices to leaf through,
and for each type a switch and a slider of the probability. With --scored it shows all candidates,
also those below the thresholds; references of the project are dashed:

    python -m picking.preview RUN --config config/config.yaml \
        --copick results/NAME/copick/test.json \
        --scored results/NAME/scored_test.parquet --html RUN.html
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from picking.command_line import command_parser
from picking.config import ParticleType, PipelineConfig, load_config
from picking.coordinates import extent_xyz_angstrom
from picking.data_in.inventory import resolve
from picking.errors import InputError
from picking.files.mask import Mask, read_mask
from picking.files.picks import read_picks
from picking.files.tables import POSITION_COLUMNS
from picking.files.tomogram import Tomogram, read_tomogram
from picking.files.truth import read_truth
from picking.files.whole_files import whole_path
from picking.preview.shown_run import check_run
from picking.preview.slice_drawing import (
    MASK_COLOR,
    MASK_LABEL,
    draw_slice,
    legend_line,
    near_slice,
    outline,
    outline_mask,
)
from picking.preview.slices import grey_limits, thick_slice
from picking.preview.viewer.write_page import ViewerInputs, write_viewer

SLICES = 4
# Voxels averaged: less noise, and still thinner than the smallest particles.
THICKNESS = 5
PANEL_INCHES = 5.0
# Over and under the panels: the title, and the legend.
MARGIN_INCHES = 1.0
DOTS_PER_INCH = 150
SCORE_POINTS = 5


def preview(
    config: PipelineConfig,
    run: str,
    copick_config: Path,
    picks_config: Path | None,
    output: Path,
    slices: int = SLICES,
) -> pd.DataFrame:
    """Draw a run with its picks.

    Parameters
    ----------
    config : PipelineConfig
        Resolved.
    run : str
        Name of the run.
    copick_config : Path
        copick configuration of the project that holds the tomogram.
    picks_config : Path or None
        Configuration that :func:`picking.files.picks.write_picks` wrote; None for the project's
        picks.
    output : Path
        PNG file to write.
    slices : int
        Number of slices.

    Returns
    -------
    DataFrame
        The picks, by type: columns run, particle_type, x, y, z (Å), with ``picks_config`` score.

    Raises
    ------
    InputError
        If the project has no such run, or the run no picks of a configured type or no tomogram.
    """
    check_run(copick_config, run)
    names = [particle.name for particle in config.known_particles]
    if picks_config is None:
        picks = read_truth(copick_config, [run], config.known_particles, config.truth)
        fix = "give --picks-config results/NAME/picks/copick.json, or a run with picks"
    else:
        author = config.final_picks.user_id, config.final_picks.session_id
        picks = read_picks(picks_config, [run], names, *author)
        fix = (
            "leave --picks-config out, or give a run that was picked, and to --config the "
            "settings/picks_author.yaml of the result"
        )
    if picks.empty:
        raise InputError(
            f"{picks_config or copick_config}, run {run}",
            f"has no picks of {', '.join(names)}",
            fix,
        )
    tomogram = read_tomogram(copick_config, run, *config.tomogram_kind)
    mask = read_mask(copick_config, run, config.voxel_spacing)
    figure = draw_preview(tomogram, picks, config.known_particles, slices, mask)
    with whole_path(output) as unfinished:
        figure.savefig(unfinished, format="png", dpi=DOTS_PER_INCH)
    return picks


def slice_heights(picks: pd.DataFrame, tomogram: Tomogram, number: int) -> NDArray[np.float64]:
    """Heights of slices, (number,), Å: the middles of even parts of the slab where picks are."""
    top = extent_xyz_angstrom(_shape(tomogram), tomogram.voxel_size_zyx_angstrom)[2]
    low, high = np.clip([picks["z"].min(), picks["z"].max()], 0, top)
    heights: NDArray[np.float64] = low + (np.arange(number) + 0.5) / number * (high - low)
    return heights


def draw_preview(
    tomogram: Tomogram,
    picks: pd.DataFrame,
    particles: Sequence[ParticleType],
    slices: int,
    mask: Mask | None = None,
) -> Figure:
    """Draw the slices with their picks, and a legend with the number of picks of each type."""
    heights = slice_heights(picks, tomogram, slices)
    columns = math.ceil(math.sqrt(slices))
    rows = math.ceil(slices / columns)
    _, height, width = _shape(tomogram)
    size = (columns * PANEL_INCHES, rows * PANEL_INCHES * height / width + MARGIN_INCHES)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[slices:]:
        axes.set_axis_off()
    for axes, height_angstrom in zip(panels, heights, strict=False):
        _draw_panel(axes, tomogram, float(height_angstrom), picks, particles)
        if mask is not None:
            outline_mask(axes, mask, "xy", float(height_angstrom))
    counts = picks["particle_type"].value_counts()
    handles = [
        legend_line(f"{item.name} ({counts[item.name]})", item.color)
        for item in particles
        if item.name in counts
    ]
    if mask is not None:
        handles.append(legend_line(MASK_LABEL, MASK_COLOR, dashed=True))
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=min(len(handles), 3 * columns // 2 + 1),
        frameon=False,
    )
    # A name may hold a dollar sign, which is no formula.
    figure.suptitle(f"{tomogram.run}: {len(picks)} picks", parse_math=False)
    return figure


def _draw_panel(
    axes: Axes,
    tomogram: Tomogram,
    height_angstrom: float,
    picks: pd.DataFrame,
    particles: Sequence[ParticleType],
) -> None:
    cut = thick_slice(tomogram, "xy", (0, 0, height_angstrom), THICKNESS)
    draw_slice(axes, cut, grey_limits(cut.values))
    left, right, low, high = cut.extent_angstrom
    radius = {particle.name: particle.radius_angstrom for particle in particles}
    near = near_slice(picks, height_angstrom, radius)
    for particle in particles:
        of_type = near[near["particle_type"] == particle.name]
        for x, y, _ in of_type[POSITION_COLUMNS].to_numpy(np.float64):
            outline(axes, (x, y), particle.radius_angstrom, particle.color)
        if "score" in of_type:
            for x, y, score in of_type[["x", "y", "score"]].to_numpy(np.float64):
                axes.annotate(
                    f"{score:.2f}",
                    (x, y + particle.radius_angstrom),
                    ha="center",
                    va="bottom",
                    fontsize=SCORE_POINTS,
                    bbox={"facecolor": "white", "alpha": 0.6, "pad": 0.4, "linewidth": 0},
                    annotation_clip=True,
                )
    # Outlines reach beyond the field.
    axes.set(xlim=(left, right), ylim=(low, high), xlabel="x / Å", ylabel="y / Å")
    axes.set_title(f"z = {height_angstrom:.0f} Å, {len(near)} picks near", fontsize="medium")


def _shape(tomogram: Tomogram) -> tuple[int, int, int]:
    depth, height, width = tomogram.values_zyx.shape
    return depth, height, width


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command_parser(__doc__)
    parser.add_argument("run", metavar="RUN", help="name of the run")
    parser.add_argument(
        "--copick", type=Path, required=True, help="copick configuration with the tomogram"
    )
    parser.add_argument(
        "--picks-config", type=Path, help="copick configuration of the final picks, with scores"
    )
    parser.add_argument(
        "--slices", type=int, default=SLICES, help=f"number of slices (default {SLICES})"
    )
    parser.add_argument("--output", type=Path, help="PNG file to write")
    parser.add_argument("--html", type=Path, help="HTML page to write")
    parser.add_argument(
        "--scored",
        type=Path,
        help="scored_test.parquet (of a training run: out_of_fold.parquet), whose candidates the "
        "page shows instead of the final picks; cut-offs begin with the thresholds.json beside it",
    )
    arguments = parser.parse_args(argv)
    run, config = arguments.run, resolve(load_config(arguments.config))
    if arguments.slices < 1:
        raise InputError("--slices", f"is {arguments.slices}", "give 1 or more")
    if arguments.output is None and arguments.html is None:
        raise InputError("--output, --html", "neither is given", "give the file to write")
    if arguments.html is None and arguments.scored is not None:
        raise InputError("--html", "is not given", "--scored is for the page")
    if arguments.output is not None:
        picks = preview(
            config,
            run,
            arguments.copick,
            arguments.picks_config,
            arguments.output,
            arguments.slices,
        )
        print(f"{run}: {len(picks)} picks: {arguments.output}")
    if arguments.html is not None:
        inputs = ViewerInputs(arguments.copick, arguments.picks_config, arguments.scored)
        shown = write_viewer(config, run, inputs, arguments.html)
        print(
            f"{run}: {shown.picks_above_cutoffs} picks above the cut-offs, {shown.references} "
            f"references: {arguments.html}"
        )
