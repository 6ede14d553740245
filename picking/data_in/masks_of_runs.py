"""Which mask each run has: an MRC file of its name, or a segmentation of its copick project.

The Snakefile calls this at parse time, so no voxel is read here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from picking.config import PipelineConfig
from picking.config.masks import SegmentationMasks
from picking.errors import InputError
from picking.files.copick_project import open_project, remote_errors
from picking.files.tomogram_stamp import digest_of, stamp_of

if TYPE_CHECKING:
    from copick.models import CopickRun, CopickSegmentation

# Voxel sizes that differ by a smaller share are the same: copick's folders have three digits.
SAME_SPACING = 1e-3


@dataclass(frozen=True)
class GivenMask:
    """A mask as it was given.

    Parameters
    ----------
    inside_zyx : ndarray, (Z, Y, X), bool
        Where it is not 0, on voxels of its own.
    voxel_angstrom : float or None
        Size of its voxels, as far as it says so.
    """

    inside_zyx: NDArray[np.bool_]
    voxel_angstrom: float | None


@dataclass(frozen=True)
class FoundMask:
    """Where a run's mask is.

    Parameters
    ----------
    location : str
        What messages call it.
    files : tuple of Path
        Files of this machine whose change means another mask.
    stamp : str
        By what a changed mask is noticed, without reading it; never empty.
    read : callable
        Reads it.
    """

    location: str
    files: tuple[Path, ...]
    stamp: str
    read: Callable[[], GivenMask]


def masks_of_runs(config: PipelineConfig, runs: Sequence[str]) -> dict[str, FoundMask]:
    """Find the masks of runs.

    Parameters
    ----------
    config : PipelineConfig
        Resolved; without ``masks`` there are none.
    runs : sequence of str
        Names of the runs.

    Returns
    -------
    dict of str to FoundMask
        By run, without those that have none.

    Raises
    ------
    InputError
        If the configuration names no file, or more than one mask fits a run.
    """
    if config.masks is None:
        return {}
    if isinstance(config.masks, SegmentationMasks):
        return _segmentations(config, config.masks, runs)
    from picking.data_in.mrc_tomograms import mrc_masks

    files = mrc_masks(config)
    return {run: _of_file(files[run]) for run in runs if run in files}


def _of_file(path: Path) -> FoundMask:
    from picking.files.mrc_file import read_header, read_values

    def read() -> GivenMask:
        return GivenMask(read_values(path) != 0, read_header(path).voxel_angstrom)

    return FoundMask(str(path), (path,), stamp_of(path), read)


def _segmentations(
    config: PipelineConfig, wanted: SegmentationMasks, runs: Sequence[str]
) -> dict[str, FoundMask]:
    if config.copick is None:
        raise InputError(
            "masks",
            f"name the segmentation {wanted.segmentation}, which only a copick project has",
            "give the data as copick=CONFIG.json, or masks as MRC files",
        )
    with remote_errors(config.copick):
        project = open_project(config.copick)
        of_runs = {name: run for name in runs if (run := project.get_run(name)) is not None}
        chosen = {name: _choose(wanted, config, run) for name, run in of_runs.items()}
    return {name: _of_copick(one) for name, one in chosen.items() if one is not None}


def _choose(
    wanted: SegmentationMasks, config: PipelineConfig, run: "CopickRun"
) -> "CopickSegmentation | None":
    """Choose a run's segmentation: that on the tomogram's voxels, or else the finest."""
    found = run.get_segmentations(
        name=wanted.segmentation, user_id=wanted.user_id, session_id=wanted.session_id
    )
    # Where the static root is the overlay as well, copick lists every segmentation twice.
    by_author = {(one.user_id, one.session_id): one for one in found}
    if len(by_author) > 1:
        named = ", ".join(sorted("/".join(author) for author in by_author))
        raise InputError(
            f"{config.copick}, run {run.name}",
            f"has several segmentations {wanted.segmentation} (user/session {named})",
            f"say which: masks={{segmentation: {wanted.segmentation}, user_id: USER, session_id: "
            "SESSION}",
        )
    return min(
        found,
        key=lambda one: (
            abs(np.log(one.voxel_size / config.voxel_spacing)) > SAME_SPACING,
            one.voxel_size,
            one.is_multilabel,
        ),
        default=None,
    )


def _of_copick(segmentation: "CopickSegmentation") -> FoundMask:
    from picking.files.ome_zarr import open_pyramid, read_nonzero

    path = getattr(segmentation, "path", None)
    name = f"{segmentation.name} of {segmentation.user_id}/{segmentation.session_id}"
    location = str(path) if path else f"run {segmentation.run.name}, segmentation {name}"
    folder = Path(path) if path and Path(path).is_dir() else None

    def read() -> GivenMask:
        voxel = segmentation.voxel_size
        pyramid = open_pyramid(segmentation.zarr(), location, voxel)
        return GivenMask(read_nonzero(pyramid.full_size, location), voxel)

    # People edit masks: chunks may change where the metadata stay. One elsewhere is known by name.
    stamp = digest_of(folder) if folder else f"{name} at {segmentation.voxel_size:.3f}"
    files = () if folder is None else tuple(folder / file for file in (".zattrs", "0/.zarray"))
    return FoundMask(location, tuple(file for file in files if file.is_file()), stamp, read)


def mask_digest(masks: Mapping[str, FoundMask]) -> str:
    """Text that changes with every mask of some runs; empty if there is none."""
    return repr(sorted((run, mask.stamp) for run, mask in masks.items())) if masks else ""
