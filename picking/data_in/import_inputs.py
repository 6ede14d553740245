"""Files whose change means that a split has to be imported again.

The Snakefile calls this when it draws the DAG, so nothing heavy is imported for a Kaggle folder.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from picking.config import PipelineConfig
from picking.data_in.inventory import kaggle_picks, kaggle_tomogram
from picking.files.copick_project import open_project, tomogram_location, tomogram_or_none

# Metadata of an OME-Zarr tomogram: the file stands for its many chunks.
ZARR_METADATA = ".zattrs"


@dataclass(frozen=True)
class ImportedFiles:
    """What one split is imported from.

    ``paths`` are files of this machine. ``elsewhere`` is a digest of the names of picks that are
    not (empty if there are none): a new set of picks changes it, an edited one does not.
    """

    paths: tuple[str, ...]
    elsewhere: str


def imported_files(
    config: PipelineConfig, split: Literal["train", "test"], runs: Sequence[str]
) -> ImportedFiles:
    """List the files that the import of a split reads.

    What is missing is left out: the import itself tells that better.

    Parameters
    ----------
    config : PipelineConfig
        Resolved, with ``dataset`` or ``copick``.
    split : "train" or "test"
        Picks are read of training runs alone.
    runs : sequence of str
        The split's runs.

    Raises
    ------
    InputError
        If a copick project cannot be opened, or a picks file does not have copick's name.
    """
    if config.copick is not None:
        return _copick_files(config, config.copick, split, runs)
    if config.dataset is None:
        raise ValueError("neither dataset nor copick is given: nothing is imported")
    files = [kaggle_tomogram(config.dataset, split, run, config) / ZARR_METADATA for run in runs]
    if split == "train":
        for run in runs:
            files += sorted(kaggle_picks(config.dataset, run).glob("*.json"))
    return ImportedFiles(tuple(str(path) for path in files if path.is_file()), "")


def _copick_files(
    config: PipelineConfig,
    copick_config: Path,
    split: Literal["train", "test"],
    runs: Sequence[str],
) -> ImportedFiles:
    from picking.files.picks import picks_of_run

    project = open_project(copick_config)
    particle_types = [particle.name for particle in config.known_particles]
    paths, elsewhere = [str(copick_config)], []
    for run in runs:
        tomogram = tomogram_or_none(project, run, config.tomo_type, config.voxel_spacing)
        if tomogram is not None:
            metadata = Path(tomogram_location(tomogram)) / ZARR_METADATA
            paths += [str(metadata)] if metadata.is_file() else []
        if split == "test":
            continue
        for picks in picks_of_run(
            project.get_run(run), particle_types, config.truth.user_id, config.truth.session_id
        ):
            path = getattr(picks, "path", None)
            if path is not None and Path(path).is_file():
                paths.append(str(path))
            else:
                elsewhere.append(
                    f"{run}/{picks.user_id}_{picks.session_id}_{picks.pickable_object_name}"
                )
    listing = "\n".join(sorted(elsewhere))
    digest = hashlib.sha256(listing.encode()).hexdigest() if elsewhere else ""
    return ImportedFiles(tuple(sorted(paths)), digest)
