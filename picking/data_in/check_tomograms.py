"""Tomograms of a data set: checked before anything is learnt from them or spent on them."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np
import zarr

from picking.config import PipelineConfig
from picking.config.pipeline import OnError
from picking.data_in.inventory import Split, kaggle_tomogram
from picking.data_in.tomogram_size import TomogramSize
from picking.errors import InputError
from picking.files.batch_record import FailedRun
from picking.files.chunk_files import check_chunk_files
from picking.files.copick_project import find_tomogram, open_project, tomogram_location
from picking.files.ome_zarr import open_pyramid, read_coarsest, read_level
from picking.left_out_runs import left_out_if_it_fails

if TYPE_CHECKING:
    from copick.models import CopickRoot

# Two copies of a tomogram agree at least so well: they may have been rounded differently on disk.
SAME_TOMOGRAM_CORRELATION = 0.99


def check_tomograms(
    config: PipelineConfig,
    copick_config: Path,
    runs: Sequence[str],
    keep: bool,
    on_error: OnError,
    where: Path,
) -> dict[str, TomogramSize]:
    """Check the tomograms of a split one by one, and warn of damaged levels that are not needed.

    Parameters
    ----------
    config : PipelineConfig
        Resolved configuration.
    copick_config : Path
        copick configuration that shows them.
    runs : sequence of str
        Runs of the split.
    keep : bool
        Whether to return what is found.
    on_error : {"skip", "stop"}
        Whether a run that fails is left out.
    where : Path
        What messages call the data.

    Returns
    -------
    dict of str to TomogramSize
        By run; empty unless they are to be kept.

    Raises
    ------
    InputError
        If a tomogram is damaged and its run not to be left out, or if all are.
    """
    project = open_project(copick_config)
    sizes: dict[str, TomogramSize] = {}
    failed: dict[str, FailedRun] = {}
    for run in runs:
        with left_out_if_it_fails(run, on_error, failed.__setitem__):
            size, passed_over = checked_tomogram(config, project, where, run, keep)
            for problem in passed_over:
                print(f"warning: {problem} (nothing is picked from this level)", file=sys.stderr)
            if keep and size is not None:  # of training runs alone: there may be hundreds of others
                sizes[run] = size
    if failed and len(failed) == len(runs):
        first = next(iter(failed.values()))
        raise InputError(
            where, f"no run can be picked; of the first: {first.reason}", "mend the data"
        )
    return sizes


def checked_tomogram(
    config: PipelineConfig, project: "CopickRoot", where: Path, run: str, is_needed: bool = True
) -> tuple[TomogramSize | None, tuple[str, ...]]:
    """Check one run's tomogram as far as that is done quickly.

    That is its metadata, the values of its coarsest level that is whole, and that all chunk files
    of the level that is picked from are there; their values are checked when they are read.

    Parameters
    ----------
    config : PipelineConfig
        Resolved configuration.
    project : CopickRoot
        Project that shows the tomogram.
    where : Path
        What messages call the data.
    run : str
        Name of the run.
    is_needed : bool
        Whether the size is needed; otherwise a tomogram of one level is not read, which would take
        as long as to pick from it.

    Returns
    -------
    size : TomogramSize or None
        None if it was not read.
    passed_over : tuple of str
        What is wrong with levels that nothing is picked from.

    Raises
    ------
    InputError
        It names the tomogram.
    """
    tomogram = find_tomogram(project, where, run, config.tomo_type, config.voxel_spacing)
    pyramid = open_pyramid(tomogram.zarr(), tomogram_location(tomogram), config.voxel_spacing)
    check_chunk_files(pyramid.full_size, pyramid.location)
    if not is_needed and len(pyramid.levels) == 1:
        return None, pyramid.passed_over
    size = TomogramSize.of_pyramid(pyramid)
    return size, size.passed_over


def check_repeated_runs(config: PipelineConfig, dataset: Path, test_runs: Sequence[str]) -> None:
    """Refuse a test run that is named as a training run but is another tomogram.

    A run of both splits is picked once, from its training tomogram.
    """
    for run in test_runs:
        paths = {split: kaggle_tomogram(dataset, split, run, config) for split in get_args(Split)}
        if not paths["train"].is_dir():
            continue
        pyramids = [
            open_pyramid(zarr.DirectoryStore(str(path)), str(path), config.voxel_spacing)
            for path in paths.values()
        ]
        one, other = (read_coarsest(pyramid)[0] for pyramid in pyramids)
        if one.shape != other.shape and pyramids[0].full_size.shape == pyramids[1].full_size.shape:
            one, other = (read_level(pyramid.full_size, pyramid.location) for pyramid in pyramids)
        is_same = one.shape == other.shape and (
            np.corrcoef(one.ravel(), other.ravel())[0, 1] > SAME_TOMOGRAM_CORRELATION
        )
        if not is_same:
            raise InputError(
                paths["test"],
                f"is another tomogram than that of training run {run}",
                "rename one of the two runs: a name stands for one tomogram",
            )
