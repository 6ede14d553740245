"""Import of masks: each is brought onto the voxels of its run's tomogram, checked and written."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from picking.config import PipelineConfig
from picking.config.pipeline import OnError
from picking.data_in.masks_of_runs import FoundMask, GivenMask, masks_of_runs
from picking.errors import InputError
from picking.files.copick_project import find_tomogram, open_project, tomogram_location
from picking.files.mask import Mask, read_mask_in, write_mask
from picking.files.ome_zarr import open_pyramid
from picking.files.tables import POSITION_COLUMNS
from picking.files.tomogram_box import TomogramBox

# Runs that a message names.
NAMED_RUNS = 10

Shape = tuple[int, int, int]


def import_masks(
    config: PipelineConfig,
    copick_config: Path,
    runs: Sequence[str],
    overlay: Path,
    on_error: OnError = "stop",
) -> None:
    """Write the masks of a split's runs into the overlay of its project.

    Parameters
    ----------
    config : PipelineConfig
        Resolved; without ``masks`` nothing is done.
    copick_config : Path
        copick configuration that shows the tomograms.
    runs : sequence of str
        Runs of the split.
    overlay : Path
        Folder to write to.
    on_error : {"skip", "stop"}
        Whether a run whose tomogram cannot be opened is passed over, which was told before. A mask
        that cannot be used always stops: its run would be picked everywhere.

    Raises
    ------
    InputError
        If a mask is damaged, empty, or of another box than its tomogram.
    """
    if config.masks is None or not runs:
        return
    masks = masks_of_runs(config, runs)
    boxes = _boxes(config, copick_config, list(masks), on_error)
    for run, box in boxes.items():
        mask = _on_tomogram(masks[run], run, box)
        write_mask(mask, overlay, run, config.voxel_spacing, masks[run].stamp)
    without = [run for run in runs if run not in masks]
    if without:
        print(
            f"warning: {len(without)} of {len(runs)} runs have no mask, so picks count everywhere "
            f"in them: {_named(without)}",
            file=sys.stderr,
        )


def _boxes(
    config: PipelineConfig, copick_config: Path, runs: Sequence[str], on_error: OnError
) -> dict[str, TomogramBox]:
    project = open_project(copick_config)
    boxes = {}
    for run in runs:
        try:
            tomogram = find_tomogram(
                project, copick_config, run, config.tomo_type, config.voxel_spacing
            )
            location = tomogram_location(tomogram)
            pyramid = open_pyramid(tomogram.zarr(), location, config.voxel_spacing)
        except InputError:
            if on_error == "stop":
                raise
            continue
        boxes[run] = TomogramBox.of_pyramid(pyramid)
    return boxes


def _on_tomogram(found: FoundMask, run: str, box: TomogramBox) -> Mask:
    given = found.read()
    if not given.inside_zyx.any():
        raise InputError(
            found.location,
            f"is 0 everywhere, so that no pick of run {run} would count",
            f"correct the mask, or name {run} in leave_out",
        )
    binning = binning_of(given, box)
    if binning is None:
        raise InputError(
            found.location,
            f"has {_sides(given.inside_zyx.shape)} voxels (x, y, z), but the tomogram of run {run} "
            f"{_sides(box.shape_zyx)}: neither the same nor binned alike along all axes",
            "give a mask of the whole tomogram, on its voxels or binned",
        )
    inside_zyx = on_other_voxels(given.inside_zyx, box.shape_zyx, binning)
    return Mask(inside_zyx, box.voxel_size_zyx_angstrom)


def binning_of(given: GivenMask, box: TomogramBox) -> float | None:
    """Find how many voxels of a tomogram a side one voxel of its mask has.

    A whole number or its inverse, if it fits, or else what the sizes of the voxels say: headers of
    masks are often wrong.

    Parameters
    ----------
    given : GivenMask
        The mask.
    box : TomogramBox
        The tomogram.

    Returns
    -------
    float or None
        Less than 1 for a finer mask; None if the two are not of one box. Programs that bin leave
        out, or fill up, what is less than a voxel.
    """
    mask_shape, shape = given.inside_zyx.shape, box.shape_zyx
    longest = int(np.argmax(shape))
    ratio = shape[longest] / mask_shape[longest]
    candidates = [float(round(ratio)) if ratio >= 1 else 1 / round(1 / ratio)]
    if given.voxel_angstrom is not None:
        candidates.append(given.voxel_angstrom / float(box.voxel_size_zyx_angstrom.mean()))
    for binning in candidates:
        over = np.abs(np.array(mask_shape) * binning - np.array(shape))
        if np.all(over < max(1.0, binning)):
            return float(binning)
    return None


def on_other_voxels(
    inside_zyx: NDArray[np.bool_], shape_zyx: Shape, binning: float
) -> NDArray[np.bool_]:
    """Give each voxel of another shape what the mask has at its centre.

    Parameters
    ----------
    inside_zyx : ndarray, (Z', Y', X'), bool
        The mask.
    shape_zyx : tuple of int
        Voxels of the result, which fill the same box.
    binning : float
        Voxels of the result a side for each voxel of the mask.

    Returns
    -------
    ndarray, (Z, Y, X), bool
    """
    if binning == 1:
        return inside_zyx
    axes = [
        np.minimum(((np.arange(side) + 0.5) / binning).astype(np.int64), mask_side - 1)
        for side, mask_side in zip(shape_zyx, inside_zyx.shape, strict=True)
    ]
    return inside_zyx[np.ix_(*axes)]


def picks_inside(
    truth: pd.DataFrame, runs: Sequence[str], overlay: Path, voxel_spacing: float, where: object
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Leave out the picks that lie outside the masks of their runs, and say how many these are.

    Parameters
    ----------
    truth : DataFrame
        Table ``picking.files.tables.TRUTH``.
    runs : sequence of str
        Its runs.
    overlay : Path
        Folder that :func:`import_masks` wrote to.
    voxel_spacing : float
        copick's voxel spacing, Å.
    where : object
        What messages call the picks.

    Returns
    -------
    DataFrame
        The picks that count.
    dict of str to float
        Share of each run's tomogram in which they do.

    Raises
    ------
    InputError
        If no pick of a run that has some lies inside.
    """
    counts = np.ones(len(truth), dtype=bool)
    shares = dict.fromkeys(runs, 1.0)
    outside = {}
    for run in runs:
        mask = read_mask_in(overlay, run, voxel_spacing)
        if mask is None:
            continue
        shares[run] = mask.share_inside
        rows = (truth["run"] == run).to_numpy()
        counts[rows] = mask.holds(truth.loc[rows, POSITION_COLUMNS].to_numpy(np.float64))
        if rows.any() and not counts[rows].any():
            raise InputError(
                where,
                f"none of the {int(rows.sum())} picks of run {run} lies inside its mask",
                f"check whether the mask is inverted or of another run, or name {run} in leave_out",
            )
        outside[run] = int((rows & ~counts).sum())
    if outside:
        _tell_outside(outside, len(truth), where)
    return truth[counts].reset_index(drop=True), shares


def _tell_outside(outside: Mapping[str, int], picks: int, where: object) -> None:
    some = {run: number for run, number in outside.items() if number}
    by_run = ", ".join(f"{number} of {run}" for run, number in list(some.items())[:NAMED_RUNS])
    more = ", and others" if len(some) > NAMED_RUNS else ""
    print(
        f"{where}: {sum(some.values())} of {picks} picks lie outside the masks and do not count"
        + (f" ({by_run}{more})" if some else ""),
        file=sys.stderr,
    )


def _sides(shape_zyx: Sequence[int]) -> str:
    return " x ".join(str(side) for side in reversed(shape_zyx))


def _named(runs: Sequence[str]) -> str:
    more = len(runs) - NAMED_RUNS
    return ", ".join(runs[:NAMED_RUNS]) + (f" and {more} more" if more > 0 else "")
