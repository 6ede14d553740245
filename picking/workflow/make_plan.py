"""From what Snakemake read as its configuration to the plan of a result."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from picking.bundle.bundled_config import bundled_config
from picking.bundle.manifest import BundleManifest
from picking.bundle.open_bundle import read_manifest
from picking.config import PipelineConfig, validated_config
from picking.config.loading import completed, read_content
from picking.config.masks import SegmentationMasks
from picking.data_in.import_inputs import ImportInputs, import_inputs
from picking.data_in.inventory import RunInventory, Split, list_runs, resolve
from picking.data_in.runs_to_pick import list_runs_to_pick
from picking.errors import InputError, refusals_for_people
from picking.workflow.batches import (
    first_free_number,
    known_batches,
    plan_batches,
)
from picking.workflow.kept_data import kept_data, kept_spacing
from picking.workflow.lost_runs import lost_runs
from picking.workflow.plan import RESULTS, TRAINING_RECORDS, ResultPlan

LEAST_TRAINING_RUNS = 2
# Runs that a message names.
NAMED_RUNS = 5
DEFAULT_CONFIGURATION = "config/config.yaml"


def make_plan(
    content: Mapping[str, Any],
    where: str,
    is_start: bool = True,
    given: Mapping[str, Any] | None = None,
) -> ResultPlan:
    """Make the plan from what Snakemake read as its configuration.

    Parameters
    ----------
    content : mapping
        Keys of the configuration.
    where : str
        Files and options that the keys come from, for messages.
    is_start : bool
        Whether this is the workflow that a person started, not a job of it that reads the
        Snakefile again: only the former looks at the data and for lost files, so that both plan
        the same, and so that many jobs of a cluster do not walk a project that may be far away.
    given : mapping or None
        Those keys of ``content`` that a person has given; None: all.

    Returns
    -------
    ResultPlan

    Raises
    ------
    InputError
        If the configuration or the data set that it names cannot be used.
    """
    config = validated_config(content, where=where)
    asked = config
    if config.tomograms is not None:
        given = content if given is None else given
        config = _with_spacing_of_headers(config, given, is_start)
        given = {**given, "voxel_spacing": config.voxel_spacing}
    manifest = None if config.bundle is None else read_manifest(config.bundle)
    if manifest is not None:
        chosen = validated_config(content if given is None else given, where=where)
        config = bundled_config(config, manifest, chosen)
        _check_no_training(config)
    are_types_chosen = config.particles is not None
    config = resolve(config)
    if config.is_synthetic and config.masks is not None:
        raise InputError(
            "masks", "are given, but the synthetic runs have none", "give them with your own data"
        )
    if manifest is None:
        _check_structures(config)
        _check_start(config)
    folder = RESULTS / config.name
    kept = None if is_start else kept_data(folder, config)
    if kept is not None:
        runs, inputs = kept
    else:
        runs = _runs(config, manifest, are_types_chosen)
        inputs = _inputs(config, runs)
    known = known_batches(folder)
    batches = plan_batches(
        {"train": sorted(runs.train), "test": sorted({*runs.test} - {*runs.train})},
        known,
        lost_runs(folder, known, inputs, config.on_error_of_test_runs) if is_start else (),
        config.stage1_proposals.prediction.runs_per_job,
        first_free_number(folder) if not known else 0,
    )
    return ResultPlan(config, runs, inputs, batches, manifest, asked)


def _with_spacing_of_headers(
    config: PipelineConfig, given: Mapping[str, Any], is_start: bool
) -> PipelineConfig:
    """Take the voxel spacing of MRC files from their headers, unless a person has chosen one."""
    from picking.data_in.mrc_tomograms import with_voxel_spacing

    default = PipelineConfig.model_fields["voxel_spacing"].default
    is_chosen = "voxel_spacing" in given or config.voxel_spacing != default
    kept = None if is_start or is_chosen else kept_spacing(RESULTS / config.name, config)
    if kept is not None:
        return config.model_copy(update={"voxel_spacing": kept})
    return with_voxel_spacing(config, is_chosen)


def _inputs(config: PipelineConfig, runs: RunInventory) -> dict[Split, ImportInputs]:
    if config.is_synthetic:
        return {}
    inputs: dict[Split, ImportInputs] = {
        "train": import_inputs(config, "train", runs.train),
        "test": import_inputs(config, "test", runs.test),
    }
    if config.masks is not None and not any(of_split.masked for of_split in inputs.values()):
        raise InputError("masks", f"none is of {_named_runs(runs)}", _how_masks_are_named(config))
    return inputs


def _named_runs(runs: RunInventory) -> str:
    names = sorted({*runs.train, *runs.test})
    more = len(names) - NAMED_RUNS
    return f"the runs {', '.join(names[:NAMED_RUNS])}" + (f" and {more} more" if more > 0 else "")


def _how_masks_are_named(config: PipelineConfig) -> str:
    if isinstance(config.masks, SegmentationMasks):
        return "give the segmentation's name, and user_id and session_id only if they are needed"
    return (
        "name masks as their runs: RUN_mask.mrc or RUN.mrc; for a segmentation of a copick project "
        "give masks={segmentation: NAME}"
    )


def _check_no_training(config: PipelineConfig) -> None:
    """Refuse a name whose folder holds networks that were trained there: hours of work."""
    folder = RESULTS / config.name
    if any(folder.glob(TRAINING_RECORDS)):
        raise InputError(
            "name",
            f"is {config.name}, and {folder} holds a training that the bundle would replace",
            "give the picks another name",
        )


def _check_structures(config: PipelineConfig) -> None:
    """Name a structure that there is not, where Snakemake would only miss an input."""
    for particle in config.known_particles if config.features.has_templates else ():
        if particle.structure is not None and not particle.structure.is_file():
            raise InputError(
                particle.structure,
                f"there is no such file, which is the structure of {particle.name}",
                "correct the path; without a slash in front it begins where Snakemake works",
            )


def _check_start(config: PipelineConfig) -> None:
    """Name weights that there are not, where a training would only find out after the import."""
    start = config.stage1_proposals.start
    if isinstance(start, Path) and not start.is_file():
        raise InputError(
            "stage1_proposals.start",
            f"there is no file {str(start)!r}",
            "give pretrained, nothing, or the path of a weights.safetensors; without a slash in "
            "front it begins where Snakemake works",
        )


def _runs(
    config: PipelineConfig, manifest: BundleManifest | None, are_types_chosen: bool
) -> RunInventory:
    if manifest is not None:
        return RunInventory(train=(), test=list_runs_to_pick(config))
    runs = list_runs(config, are_types_chosen)
    if len(runs.train) < LEAST_TRAINING_RUNS:
        raise InputError(
            "training runs",
            f"there is only {', '.join(runs.train)}",
            "give at least two: a run is judged by models of the others",
        )
    return runs


def plan_or_exit(
    content: Mapping[str, Any],
    configfiles: Sequence[object],
    command_line: Mapping[str, Any],
    is_start: bool = True,
) -> ResultPlan:
    """Make the plan, or end the program with one line that says what has to be fixed.

    Parameters
    ----------
    content : mapping
        All keys of the configuration, those of the command line included.
    configfiles : sequence
        The files of ``--configfile``.
    command_line : mapping
        The keys of ``--config``.
    is_start : bool
        See :func:`make_plan`.
    """
    sources = [*map(str, configfiles), *(["--config"] if command_line else [])]
    with exit_with_one_line():
        for key, value in command_line.items():
            if value is None:
                raise InputError(
                    f"--config {key}=", "is empty", "give a value or leave the key out"
                )
        where = ", ".join(sources) or DEFAULT_CONFIGURATION
        given = None
        if content.get("bundle") is not None or content.get("tomograms") is not None:
            files = [Path(str(name)) for name in configfiles]
            given = completed(read_content(files), command_line)
        return make_plan(content, where, is_start, given)


@contextmanager
def exit_with_one_line() -> Iterator[None]:
    """End the program with an error for a person, where a stack trace would be Snakemake's."""
    try:
        with refusals_for_people():
            yield
    except InputError as error:
        sys.exit(f"error: {error}")
