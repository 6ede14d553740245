"""Picks of types that are not looked for, told by the names of picks files.

The Snakefile calls this at parse time, so no file is read.
"""

import sys
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from picking.config import CZII_PARTICLES, PipelineConfig
from picking.errors import InputError
from picking.files.copick_project import open_project

# Nobody has to say that they do not look for all types of the challenge.
CZII_TYPES = tuple(particle.name for particle in CZII_PARTICLES)


def picks_files(folder: Path) -> list[Path]:
    """List a run's picks files, by name.

    Raises
    ------
    OSError
        If the folder is missing or must not be read, which a glob would not say.
    """
    names = sorted(path.name for path in folder.iterdir())
    return [folder / name for name in names if name.endswith(".json") and name[0] != "."]


def named_type(path: Path) -> str:
    """Particle type in the name of a picks file: ``TYPE.json`` or ``USER_SESSION_TYPE.json``."""
    return path.stem.rsplit("_", 1)[-1]


def other_types(folders: Iterable[Path], particle_types: Collection[str]) -> dict[str, Path]:
    """Find types that are neither looked for nor the challenge's.

    Parameters
    ----------
    folders : iterable of Path
        ``Picks`` folders of runs.
    particle_types : collection of str
        The types that are looked for.

    Returns
    -------
    dict of str to Path
        By type the first file of it.
    """
    known = {*particle_types, *CZII_TYPES}
    others: dict[str, Path] = {}
    for folder in folders:
        for path in picks_files(folder):
            if named_type(path) not in known:
                others.setdefault(named_type(path), path)
    return others


def refuse_other_types(folders: Iterable[Path], particle_types: Collection[str]) -> None:
    """Refuse types that are neither looked for nor the challenge's.

    Raises
    ------
    InputError
        It names a file.
    """
    for name, path in other_types(folders, particle_types).items():
        raise InputError(
            path,
            f"holds picks of '{name}', which is not a known particle type",
            "list the types that you look for as `particles` in the configuration (others are "
            "left alone then), or rename or remove the file",
        )


def nameless_types(config: PipelineConfig, copick_config: Path, runs: Sequence[str]) -> set[str]:
    """Find types of which runs of a copick project have picks, but which it does not list.

    Parameters
    ----------
    config : PipelineConfig
        Says whose picks count.
    copick_config : Path
        The project.
    runs : sequence of str
        Its runs.
    """
    from picking.files.picks import picks_of_run

    project = open_project(copick_config)
    picked = {
        picks.pickable_object_name
        for run in runs
        for picks in picks_of_run(project.get_run(run), None, config.truth)
    }
    return picked - {item.name for item in project.config.pickable_objects}


def tell_of_others(particle_types: Collection[str], where: Path) -> None:
    """Warn that picks of types that are not looked for are left alone."""
    if particle_types:
        print(
            f"warning: {where}: picks of {', '.join(sorted(particle_types))} are left alone: "
            "nothing of that name is among the particle types",
            file=sys.stderr,
        )
