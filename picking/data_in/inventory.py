"""What a configuration stands for: its particle types, and the training and test runs.

The Snakefile calls this at parse time, so nothing heavy is imported unless it is needed.
"""

from collections.abc import Sequence
from itertools import count
from pathlib import Path

from pydantic import ValidationError

from picking.config import CZII_PARTICLES, ParticleType, PipelineConfig
from picking.data_in.other_types import refuse_other_types
from picking.data_in.run_inventory import RunInventory as RunInventory
from picking.data_in.run_inventory import check_left_out as check_left_out
from picking.data_in.run_inventory import usable_names as usable_names
from picking.data_in.synthetic_names import run_names
from picking.errors import InputError, in_one_line
from picking.files.batch_record import Split as Split
from picking.files.copick_project import (
    GLOB_CHARACTERS,
    RUNS_FOLDER,
    open_project,
    remote_errors,
    tomogram_or_none,
)
from picking.files.copick_roots import check_roots, root_problems

# What the tomograms of synthetic training and test runs both are.
SYNTHETIC_TOMO_TYPE = "denoised"
SYNTHETIC_VOXEL_SPACING = 10.0


def kaggle_static(dataset: Path, split: Split) -> Path:
    """Folder with the tomograms of a split."""
    return Path(dataset) / split / "static"


def kaggle_tomogram(dataset: Path, split: Split, run: str, config: PipelineConfig) -> Path:
    """Folder of a run's tomogram of the configured kind and voxel spacing."""
    spacing = f"VoxelSpacing{config.voxel_spacing:.3f}"
    return kaggle_static(dataset, split) / RUNS_FOLDER / run / spacing / f"{config.tomo_type}.zarr"


def kaggle_overlay(dataset: Path) -> Path:
    """Folder with a folder for each training run that has picks."""
    return Path(dataset) / "train" / "overlay" / RUNS_FOLDER


def kaggle_picks(dataset: Path, run: str) -> Path:
    """Folder with the picks of a training run."""
    return kaggle_overlay(dataset) / run / "Picks"


def resolve(config: PipelineConfig) -> PipelineConfig:
    """Fill in the particle types, and the weight of every type.

    Parameters
    ----------
    config : PipelineConfig
        Its ``particles`` are taken if given, else copick's pickable objects, else the challenge's
        six.

    Returns
    -------
    PipelineConfig
        A copy with ``particles`` and ``scoring.weights`` complete, and what is measured of masks.

    Raises
    ------
    InputError
        If copick's configuration holds no usable particle, or a weight is given to a type that
        there is not, or all weights are 0.
    """
    particles = config.particles
    if particles is None and config.tomograms is not None:
        raise InputError(
            "particles",
            "are not given, and no MRC file says what is looked for",
            "list the types with their radii in Å: "
            "particles: [{name: ribosome, radius_angstrom: 150}]",
        )
    if particles is None:
        particles = CZII_PARTICLES if config.copick is None else _copick_particles(config.copick)
    particles = _with_whole_paths(_labelled(particles))
    names = [particle.name for particle in particles]
    unknown = [name for name in config.scoring.weights if name not in names]
    if unknown:
        raise InputError(
            "scoring.weights",
            f"names {', '.join(unknown)}, which is not a particle type",
            f"the types are {', '.join(names)}",
        )
    weights = {name: config.scoring.weight(name) for name in names}
    # Jobs that score nothing are not given that section: its defaults are nobody's choice.
    if "scoring" in config.model_fields_set and sum(weights.values()) == 0:
        raise InputError("scoring.weights", "all weights are 0", "give one type a weight above 0")
    scoring = config.scoring.model_copy(update={"weights": weights})
    # Absolute, so that two spellings of a path are one data set.
    paths = {
        key: path.absolute()
        for key in ("dataset", "copick", "bundle")
        if (path := getattr(config, key)) is not None
    }
    resolved = config.model_copy(update={"particles": particles, "scoring": scoring, **paths})
    if config.masks is not None:
        from picking.data_in.mrc_tomograms import with_whole_mask_paths

        # What a bundle measures comes with it.
        features = config.features if config.bundle else config.features.with_masks()
        resolved = with_whole_mask_paths(resolved.model_copy(update={"features": features}))
    if config.tomograms is None:
        return resolved
    from picking.data_in.mrc_tomograms import with_whole_mrc_paths

    return with_whole_mrc_paths(resolved)


def _labelled(particles: Sequence[ParticleType]) -> tuple[ParticleType, ...]:
    """Give types without a label the lowest numbers that are free, in the order of the list."""
    taken = {particle.label for particle in particles}
    free = (number for number in count(1) if number not in taken)
    return tuple(
        particle if particle.label else particle.model_copy(update={"label": next(free)})
        for particle in particles
    )


def _with_whole_paths(particles: Sequence[ParticleType]) -> tuple[ParticleType, ...]:
    """Name structures by their absolute paths, so that two spellings are one file."""
    return tuple(
        particle.model_copy(update={"structure": particle.structure.absolute()})
        if particle.structure
        else particle
        for particle in particles
    )


def list_runs(config: PipelineConfig, are_types_chosen: bool = False) -> RunInventory:
    """List the training and test runs of the data that are given, or of the synthetic set.

    Every listed run of data that are given has its tomogram, and every training run
    its picks; their content is checked by the import. The synthetic runs are yet to be made.

    Parameters
    ----------
    config : PipelineConfig
        Resolved; with ``dataset``, ``copick`` or ``tomograms``, or with none: the synthetic set.
    are_types_chosen : bool
        Whether ``particles`` were given before ``config`` was resolved. Picks of types that nobody
        knows are a mistake if not, and left alone if so.

    Returns
    -------
    RunInventory

    Raises
    ------
    InputError
        If a folder, a tomogram or a run's picks are missing, or a run's name cannot be used, or
        there are picks of an unknown type, or the synthetic set does not have the configured kind
        of tomogram.
    """
    if config.copick is not None:
        with remote_errors(config.copick):
            return _copick_runs(config, config.copick, are_types_chosen)
    if config.tomograms is not None:
        from picking.data_in.mrc_inventory import mrc_inventory

        return mrc_inventory(config)
    if config.dataset is not None:
        runs = _kaggle_runs(config, config.dataset)
        if not are_types_chosen:
            names = [particle.name for particle in config.particles or CZII_PARTICLES]
            refuse_other_types([kaggle_picks(config.dataset, run) for run in runs.train], names)
        return runs
    return _synthetic_runs(config)


def _synthetic_runs(config: PipelineConfig) -> RunInventory:
    for key, value, made in (
        ("tomo_type", config.tomo_type, SYNTHETIC_TOMO_TYPE),
        ("voxel_spacing", config.voxel_spacing, SYNTHETIC_VOXEL_SPACING),
    ):
        if value != made:
            raise InputError(
                key,
                f"is {value}, but the synthetic runs have {made} alone",
                "leave the key out, or give your own data as dataset or copick",
            )
    names = {particle.name for particle in config.particles or CZII_PARTICLES}
    lacking = [particle.name for particle in CZII_PARTICLES if particle.name not in names]
    if lacking:
        raise InputError(
            "particles",
            f"lacks {', '.join(lacking)}, which the synthetic runs hold",
            "leave the key out, or give your own data as dataset or copick",
        )
    train, test = run_names(config.synthetic, config.seed)
    check_left_out(config, [*train, *test])
    return RunInventory(
        tuple(run for run in train if run not in config.leave_out),
        tuple(run for run in test if run not in config.leave_out),
    )


def _kaggle_runs(config: PipelineConfig, dataset: Path) -> RunInventory:
    if not dataset.is_dir():
        raise InputError(
            dataset, "there is no such folder", "give the folder that holds train/ as dataset"
        )
    if any(character in str(dataset.absolute()) for character in GLOB_CHARACTERS):
        raise InputError(
            dataset, f"copick cannot list folders with {GLOB_CHARACTERS} in their path", "rename it"
        )
    train_folder = kaggle_static(dataset, "train") / RUNS_FOLDER
    if not train_folder.is_dir():
        raise InputError(
            train_folder,
            "there is no such folder",
            "give a dataset in Kaggle's layout (train/static/ExperimentRuns/RUN/...)",
        )
    train = _kaggle_split(config, dataset, "train")
    if not train:
        raise InputError(
            train_folder, "holds no runs but those in leave_out, if any", "add training runs"
        )
    overlay = kaggle_overlay(dataset)
    for run in visible_folders(overlay) if overlay.is_dir() else ():
        if run not in train and run not in config.leave_out:
            raise InputError(
                train_folder / run,
                f"there is no such folder, so run {run}, which has picks, has no tomogram",
                f"add its tomogram, or name {run} in leave_out",
            )
    for run in train:
        picks = kaggle_picks(dataset, run)
        if not picks.is_dir():
            raise InputError(
                picks,
                f"there is no such folder, so training run {run} has no picks",
                f"add its picks, or name {run} in leave_out",
            )
    test_folder = kaggle_static(dataset, "test") / RUNS_FOLDER
    test = _kaggle_split(config, dataset, "test") if test_folder.is_dir() else ()
    there = {
        run
        for folder in (train_folder, test_folder, overlay)
        if folder.is_dir()
        for run in visible_folders(folder)
    }
    check_left_out(config, there)
    return RunInventory(train, test)


def _kaggle_split(config: PipelineConfig, dataset: Path, split: Split) -> tuple[str, ...]:
    """List the runs of one split; each has to have its tomogram."""
    folder = kaggle_static(dataset, split) / RUNS_FOLDER
    names = [run for run in visible_folders(folder) if run not in config.leave_out]
    runs = usable_names(names, folder)
    for run in runs:
        tomogram = kaggle_tomogram(dataset, split, run, config)
        # A test run may be left out when it is picked.
        if not tomogram.is_dir() and (split, config.on_error_of_test_runs) != ("test", "skip"):
            raise InputError(
                tomogram,
                f"there is no such folder, so run {run} has no tomogram",
                f"add it, name {run} in leave_out, or set tomo_type and voxel_spacing",
            )
    return runs


def visible_folders(folder: Path) -> list[str]:
    """Name the folders in a folder, sorted, but for hidden ones."""
    return sorted(
        item.name for item in folder.iterdir() if item.is_dir() and not item.name.startswith(".")
    )


def _copick_runs(
    config: PipelineConfig, copick_config: Path, are_types_chosen: bool
) -> RunInventory:
    from picking.files.picks import picks_of_run

    check_roots(copick_config)
    project = open_project(copick_config)
    particle_types = [particle.name for particle in config.known_particles]
    objects = [item.name for item in project.config.pickable_objects]
    missing = [name for name in particle_types if name not in objects]
    if missing:
        raise InputError(
            "particles",
            f"{', '.join(missing)}: no such pickable object in {copick_config}",
            f"its objects are {', '.join(objects)}",
        )
    train, test = [], []
    runs = project.runs
    check_left_out(config, {run.name for run in runs})
    for run in runs:
        if run.name in config.leave_out:
            continue
        picked = {
            picks.pickable_object_name: picks for picks in picks_of_run(run, None, config.truth)
        }
        for name in () if are_types_chosen else sorted(set(picked) - set(objects)):
            raise InputError(
                getattr(picked[name], "path", f"{copick_config}, run {run.name}"),
                f"holds picks of '{name}', which is not a pickable object of {copick_config}",
                "add it to pickable_objects, rename or remove the file, or list the types that you "
                "look for as `particles` in the configuration (others are left alone then)",
            )
        has_picks = not picked.keys().isdisjoint(particle_types)
        has_tomogram = (
            tomogram_or_none(project, run.name, config.tomo_type, config.voxel_spacing) is not None
        )
        if has_picks and not has_tomogram:
            raise InputError(
                f"{copick_config}, run {run.name}",
                f"has picks, but no tomogram '{config.tomo_type}' of voxel spacing "
                f"{config.voxel_spacing:.3f}{_because_of_roots(copick_config)}",
                f"add the tomogram, name {run.name} in leave_out, or set tomo_type and "
                "voxel_spacing",
            )
        if has_picks:
            train.append(run.name)
        elif has_tomogram:
            test.append(run.name)
    if not train:
        raise InputError(
            copick_config,
            f"no run has picks of {', '.join(particle_types)} {config.truth.in_words}"
            f"{_because_of_roots(copick_config)}",
            "add truth picks, or set truth.user_id, truth.session_id and particles",
        )
    return RunInventory(usable_names(train, copick_config), usable_names(test, copick_config))


def _because_of_roots(copick_config: Path) -> str:
    """Say which roots list nothing, as the end of a sentence on what was not found."""
    problems = root_problems(copick_config)
    return f" ({'; '.join(problems.values())})" if problems else ""


def _copick_particles(copick_config: Path) -> tuple[ParticleType, ...]:
    """Particle types of a copick project: all objects that have a radius."""
    objects = open_project(copick_config).config.pickable_objects
    usable = [item for item in objects if item.is_particle and item.radius]
    if not usable:
        raise InputError(
            copick_config,
            "no pickable object is a particle with a radius",
            "give the objects radii, or list the types as particles in the configuration",
        )
    labels = [item.label for item in usable]
    # copick's labels may be missing or shared; ours number the channels of a segmentation.
    if None in labels or len(set(labels)) < len(labels):
        labels = list(range(1, len(usable) + 1))
    try:
        return tuple(
            ParticleType(
                name=item.name,
                label=label,
                radius_angstrom=item.radius,
                pdb_id=item.pdb_id,
                **({"color": item.color} if item.color else {}),
            )
            for item, label in zip(usable, labels, strict=True)
        )
    except ValidationError as error:
        detail = error.errors()[0]
        raise InputError(
            copick_config,
            f"the pickable object {detail['input']!r} cannot be used ({in_one_line(error)})",
            "or list the types that you look for as particles in the configuration",
        ) from None
