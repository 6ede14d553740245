"""The runs that a bundle picks: all of the data, labelled or not."""

from collections.abc import Sequence
from pathlib import Path

from picking.config import PipelineConfig
from picking.data_in.inventory import (
    check_left_out,
    kaggle_static,
    kaggle_tomogram,
    usable_names,
    visible_folders,
)
from picking.errors import InputError
from picking.files.copick_project import (
    RUNS_FOLDER,
    open_project,
    remote_errors,
    tomogram_or_none,
)
from picking.files.copick_roots import check_roots


def list_runs_to_pick(config: PipelineConfig) -> tuple[str, ...]:
    """List the test runs of a Kaggle folder, or all runs of a copick project or of MRC files.

    A run without a tomogram is listed if others have theirs: picking says what is wrong with it.

    Parameters
    ----------
    config : PipelineConfig
        With ``dataset``, ``copick`` or ``tomograms``.

    Returns
    -------
    tuple of str
        Sorted.

    Raises
    ------
    InputError
        If there is no run, no run has the configured kind of tomogram, or a run's name cannot be
        used.
    """
    if config.copick is not None:
        with remote_errors(config.copick):
            return _copick_runs(config, config.copick)
    if config.tomograms is not None:
        from picking.data_in.mrc_inventory import mrc_runs_to_pick

        return mrc_runs_to_pick(config)
    assert config.dataset is not None
    return _kaggle_runs(config, config.dataset)


def _kaggle_runs(config: PipelineConfig, dataset: Path) -> tuple[str, ...]:
    folder = kaggle_static(dataset, "test") / RUNS_FOLDER
    if not folder.is_dir():
        raise InputError(
            folder,
            "there is no such folder",
            "give a dataset in Kaggle's layout (test/static/ExperimentRuns/RUN/...)",
        )
    found = visible_folders(folder)
    check_left_out(config, found)
    runs = usable_names([run for run in found if run not in config.leave_out], folder)
    tomograms = [kaggle_tomogram(dataset, "test", run, config) for run in runs]
    _check_any(config, folder, runs, any(tomogram.is_dir() for tomogram in tomograms))
    return runs


def _copick_runs(config: PipelineConfig, copick_config: Path) -> tuple[str, ...]:
    check_roots(copick_config)
    project = open_project(copick_config)
    found = [run.name for run in project.runs]
    check_left_out(config, found)
    runs = usable_names([run for run in found if run not in config.leave_out], copick_config)
    there = any(
        tomogram_or_none(project, run, config.tomo_type, config.voxel_spacing) is not None
        for run in runs
    )
    _check_any(config, copick_config, runs, there)
    return runs


def _check_any(
    config: PipelineConfig, where: Path, runs: Sequence[str], any_tomogram: bool
) -> None:
    if not runs:
        raise InputError(where, "holds no runs but those in leave_out, if any", "add runs to pick")
    if not any_tomogram:
        raise InputError(
            where,
            f"no run has a tomogram '{config.tomo_type}' of voxel spacing "
            f"{config.voxel_spacing:.3f}, as the bundle asks for",
            "give tomo_type and voxel_spacing of the data (with resample_to and other_tomo_type, "
            "if they are not what the bundle learnt from)",
        )
