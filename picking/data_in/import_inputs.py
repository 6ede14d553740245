"""What the import of a split reads: files whose change means that it has to be done again.

The Snakefile calls this when it draws the DAG, so nothing heavy is imported for a Kaggle folder.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from picking.config import PipelineConfig
from picking.data_in.inventory import Split, kaggle_picks, kaggle_tomogram
from picking.data_in.masks_of_runs import FoundMask, mask_digest, masks_of_runs
from picking.files.copick_project import (
    is_all_local,
    open_project,
    project_digest,
    remote_errors,
    tomogram_location,
    tomogram_or_none,
)
from picking.files.tomogram_stamp import digest_of, stamp_of, with_mask

# Metadata of an OME-Zarr tomogram: the file stands for its many chunks.
ZARR_METADATA = ".zattrs"
# Metadata of its full-size level.
FULL_SIZE_METADATA = Path("0", ".zarray")


@dataclass(frozen=True)
class ImportInputs:
    """What one split is imported from.

    ``paths`` are files of this machine. ``digest`` is one of what else counts (empty if nothing
    does): what a copick configuration says, but for what only describes it, and the names of
    picks that are not files of this machine: a new set of them changes it, an edited one does not.
    ``voxels`` is the size of each run's tomogram, where a file of this machine says it, and
    ``tomograms`` are the tomograms' folders, without missing ones. ``elsewhere`` is the digest of a
    copick project that is not made of folders of this machine alone, else empty. ``reading`` says
    how tomograms are read, where that is chosen. ``stamps`` are the tomograms', see
    :func:`picking.files.tomogram_stamp.stamp_of`, with those of their masks. ``masked`` are the
    runs that have a mask.
    """

    paths: tuple[str, ...]
    digest: str
    voxels: Mapping[str, int]
    tomograms: Mapping[str, Path]
    elsewhere: str = ""
    reading: str = ""
    stamps: Mapping[str, str] = field(default_factory=dict)
    masked: tuple[str, ...] = ()

    def with_masks(self, masks: Mapping[str, FoundMask]) -> "ImportInputs":
        """Add the masks of the split's runs."""
        if not masks:
            return self
        files = [str(file) for mask in masks.values() for file in mask.files]
        listing = f"{self.digest}\n{mask_digest(masks)}"
        return replace(
            self,
            paths=(*self.paths, *files),
            digest=hashlib.sha256(listing.encode()).hexdigest(),
            stamps={
                run: with_mask(stamp, masks[run].stamp) if run in masks else stamp
                for run, stamp in self.stamps.items()
            },
            masked=tuple(sorted(masks)),
        )

    def tomogram_digest(self, run: str) -> str:
        """Digest of a tomogram, see :func:`picking.files.tomogram_stamp.digest_of`."""
        return digest_of(self.tomograms.get(run))


def import_inputs(config: PipelineConfig, split: Split, runs: Sequence[str]) -> ImportInputs:
    """List the files that the import of a split reads.

    What is missing is left out: the import itself tells that better.

    Parameters
    ----------
    config : PipelineConfig
        Resolved, with ``dataset``, ``copick`` or ``tomograms``.
    split : "train" or "test"
        Picks are read of training runs alone.
    runs : sequence of str
        The split's runs.

    Raises
    ------
    InputError
        If a copick project cannot be opened, a picks file does not have copick's name, or masks
        cannot be used.
    """
    masks = masks_of_runs(config, runs)
    if config.copick is not None:
        with remote_errors(config.copick):
            return _copick_files(config, config.copick, split, runs).with_masks(masks)
    if config.tomograms is not None:
        return _mrc_files(config, split, runs).with_masks(masks)
    if config.dataset is None:
        raise ValueError("no data are given: nothing is imported")
    return _kaggle_files(config, config.dataset, split, runs).with_masks(masks)


def _kaggle_files(
    config: PipelineConfig, dataset: Path, split: Split, runs: Sequence[str]
) -> ImportInputs:
    tomograms = {run: kaggle_tomogram(dataset, split, run, config) for run in runs}
    files = [tomogram / ZARR_METADATA for tomogram in tomograms.values()]
    if split == "train":
        for run in runs:
            files += sorted(kaggle_picks(dataset, run).glob("*.json"))
    paths = tuple(str(path) for path in files if path.is_file())
    there = {run: tomogram for run, tomogram in tomograms.items() if tomogram.is_dir()}
    return ImportInputs(paths, "", _voxels(there), there, stamps=_stamps(there))


def _stamps(tomograms: Mapping[str, Path]) -> dict[str, str]:
    return {run: stamp_of(tomogram) for run, tomogram in tomograms.items()}


def _voxels(tomograms: Mapping[str, Path]) -> dict[str, int]:
    """Count the voxels of tomograms; what cannot be read is left out."""
    voxels = {}
    for run, tomogram in tomograms.items():
        try:
            content = json.loads((tomogram / FULL_SIZE_METADATA).read_text(encoding="utf-8"))
            voxels[run] = math.prod(int(side) for side in content["shape"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return voxels


def _mrc_files(config: PipelineConfig, split: Split, runs: Sequence[str]) -> ImportInputs:
    from picking.data_in.mrc_tomograms import mrc_headers, mrc_tomograms
    from picking.data_in.picks_tables import picks_files, tomogram_numbers_file

    of_all = mrc_tomograms(config)
    tomograms = {run: of_all[run] for run in runs if run in of_all}
    headers = mrc_headers(config, tomograms)
    files = list(tomograms.values())
    if split == "train":
        for path in picks_files(config):
            files += [path, tomogram_numbers_file(config, path)]
    return ImportInputs(
        tuple(str(path) for path in files if path.is_file()),
        "",
        {run: math.prod(header.shape_zyx) for run, header in headers.items()},
        tomograms,
        reading="" if config.mrc.invert_contrast == "auto" else str(config.mrc.invert_contrast),
        stamps=_stamps(tomograms),
    )


def _copick_files(
    config: PipelineConfig,
    copick_config: Path,
    split: Split,
    runs: Sequence[str],
) -> ImportInputs:
    from picking.files.picks import picks_of_run

    project = open_project(copick_config)
    particle_types = [particle.name for particle in config.known_particles]
    paths: list[str] = []
    elsewhere: list[str] = []
    tomograms: dict[str, Path] = {}
    for run in runs:
        tomogram = tomogram_or_none(project, run, config.tomo_type, config.voxel_spacing)
        if tomogram is not None:
            tomograms[run] = Path(tomogram_location(tomogram))
            metadata = tomograms[run] / ZARR_METADATA
            paths += [str(metadata)] if metadata.is_file() else []
        if split == "test":
            continue
        for picks in picks_of_run(project.get_run(run), particle_types, config.truth):
            path = getattr(picks, "path", None)
            if path is not None and Path(path).is_file():
                paths.append(str(path))
            else:
                elsewhere.append(
                    f"{run}/{picks.user_id}_{picks.session_id}_{picks.pickable_object_name}"
                )
    listing = "\n".join([project_digest(copick_config), *sorted(elsewhere)])
    digest = hashlib.sha256(listing.encode()).hexdigest()
    return ImportInputs(
        tuple(sorted(paths)),
        digest,
        _voxels(tomograms),
        tomograms,
        "" if is_all_local(copick_config) else project_digest(copick_config),
        stamps=_stamps(tomograms),
    )
