"""Picks through copick: reading them set by set, and writing final picks with their scores."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from picking.config import ParticleType, TruthSettings
from picking.config.picks import OUR_SESSION_ID, OUR_USER_ID
from picking.config.truth import PortalTruthSettings
from picking.errors import InputError, in_one_line
from picking.files.copick_project import open_project, with_overlay
from picking.files.copick_roots import check_picks_names
from picking.files.own_files import own_files
from picking.files.tables import PICKS, POSITION_COLUMNS, TRUTH
from picking.files.whole_files import write_whole_text

if TYPE_CHECKING:
    from copick.models import CopickPicks, CopickPicksFile, CopickRun

ANGSTROM = "angstrom"
# copick splits its file names at underscores.
NAME_SEPARATOR = "_"
# What tells sets of picks of one run and type apart: the number does where a user's session has
# one in either root of a project.
SET_COLUMNS = ["user_id", "session_id", "set"]


def read_sets(
    copick_config: Path,
    runs: Sequence[str],
    particle_types: Sequence[str],
    truth: TruthSettings,
) -> pd.DataFrame:
    """Read the picks of a copick project, set by set.

    Parameters
    ----------
    copick_config : Path
        copick configuration file.
    runs : sequence of str
        Runs to read.
    particle_types : sequence of str
        Types to read; picks of others are left alone.
    truth : TruthSettings
        Whose picks to read.

    Returns
    -------
    DataFrame
        Columns run, particle_type, x, y, z (Å, the particles' centres: location plus translation),
        score, and SET_COLUMNS, which tell the sets of a run and type apart. By run, then type, in
        the given orders, then user and session.

    Raises
    ------
    InputError
        If a picks file is damaged, not in Å or holds a non-finite position.
    """
    project = open_project(copick_config)
    parts = []
    for name in runs:
        run = project.get_run(name)
        if run is None:
            raise InputError(copick_config, f"has no run {name}", "check the run's name")
        files = picks_of_run(run, particle_types, truth)
        for particle_type in particle_types:
            # By the files' names: what is loaded has the user and session of its content.
            of_type = [
                (file.user_id, file.session_id, file)
                for file in files
                if file.pickable_object_name == particle_type
            ]
            of_type.sort(key=itemgetter(0, 1))
            filled = [item for item in of_type if loaded_picks(item[-1]).points]
            for place, (user_id, session_id, file) in enumerate(filled):
                frame = _frame(name, particle_type, file)
                parts.append(frame.assign(user_id=user_id, session_id=session_id, set=place))
    columns: dict[str, Any] = {
        column: [] for column in (*TRUTH.column_names, "score", *SET_COLUMNS)
    }
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns)


def read_picks(
    copick_config: Path,
    runs: Sequence[str],
    particle_types: Sequence[str],
    user_id: str = OUR_USER_ID,
    session_id: str = OUR_SESSION_ID,
) -> pd.DataFrame:
    """Read back what :func:`write_picks` wrote: the way to the final picks from Python.

    Parameters
    ----------
    copick_config : Path
        The configuration that :func:`write_picks` wrote.
    runs : sequence of str
        Runs to read.
    particle_types : sequence of str
        Types to read.
    user_id, session_id : str
        Whom they were written under.

    Returns
    -------
    DataFrame
        Table ``picking.files.tables.PICKS``: by run, then type, in the given orders.

    Raises
    ------
    InputError
        If a picks file is damaged, or the project has such picks too.
    """
    author = TruthSettings(user_id=user_id, session_id=session_id)
    sets = read_sets(copick_config, runs, particle_types, author)
    if sets["set"].any():
        raise InputError(
            copick_config,
            f"shows picks by {user_id}/{session_id} twice, in the project and in its overlay",
            "remove one of the two, or write under another final_picks.session_id",
        )
    return PICKS.check(sets.drop(columns=SET_COLUMNS), copick_config)


def write_picks(
    picks: pd.DataFrame,
    overlay: Path,
    config_path: Path,
    particles: Iterable[ParticleType],
    project: Path,
    user_id: str = OUR_USER_ID,
    session_id: str = OUR_SESSION_ID,
) -> None:
    """Write picks at once; see :func:`written_picks`.

    Parameters
    ----------
    picks : DataFrame
        Table ``picking.files.tables.PICKS``; the order within a run and type is kept.
    overlay : Path
        Folder to write to; picks of ours that stood there are replaced, a person's stay.
    config_path : Path
        copick configuration to write, which opens the picks.
    particles : iterable of ParticleType
        The particle types.
    project : Path
        copick configuration of the project that the picks belong to; it is only read.
    user_id, session_id : str
        Whom to write them under.
    """
    with written_picks(overlay, config_path, particles, project, user_id, session_id) as write:
        write(picks)


@contextmanager
def written_picks(
    overlay: Path,
    config_path: Path,
    particles: Iterable[ParticleType],
    project: Path,
    user_id: str = OUR_USER_ID,
    session_id: str = OUR_SESSION_ID,
) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Write picks with their scores as a copick overlay, and a configuration that opens it.

    Parameters
    ----------
    overlay : Path
        Folder to write to; picks of ours that stood there are replaced, a person's stay. Nothing
        changes there before the block succeeds.
    config_path : Path
        copick configuration to write, inside the overlay or elsewhere.
    particles : iterable of ParticleType
        The particle types.
    project : Path
        copick configuration of the project that the picks belong to (the tomograms are found
        through it); it is only read.
    user_id, session_id : str
        Whom to write them under.

    Yields
    ------
    callable
        Writes the picks of some runs, a table ``picking.files.tables.PICKS``; the order within a
        run and type is kept. Each run is given once.

    Raises
    ------
    InputError
        If a table breaks its contract or the project cannot be opened.
    """
    particles = tuple(particles)
    with own_files(overlay, named_as_ours=_is_named_as_ours) as unfinished:
        temporary_config = unfinished / "unfinished.json"
        content = {
            "config_type": "filesystem",
            "overlay_root": f"local://{unfinished.absolute()}",
            "overlay_fs_args": {"auto_mkdir": True},
            "pickable_objects": with_overlay(project, unfinished, particles)["pickable_objects"],
        }
        temporary_config.write_text(json.dumps(content), encoding="utf-8")
        yield lambda picks: _write(picks, temporary_config, user_id, session_id)
        temporary_config.unlink()
    final = with_overlay(project, overlay, particles)
    write_whole_text(config_path, json.dumps(final, indent=2) + "\n")


def _write(picks: pd.DataFrame, writable_config: Path, user_id: str, session_id: str) -> None:
    from copick.models import CopickLocation, CopickPoint

    checked = PICKS.check(picks, "final picks")
    # Opened each time: copick keeps all that it has written in memory.
    writable = open_project(writable_config)
    for (run, particle_type), group in checked.groupby(["run", "particle_type"]):
        file = writable.new_run(run, exist_ok=True).new_picks(
            particle_type, session_id=session_id, user_id=user_id
        )
        file.meta.unit = ANGSTROM
        # No orientation is estimated.
        file.meta.trust_orientation = False
        file.points = [
            CopickPoint(location=CopickLocation(x=x, y=y, z=z), score=score)
            for x, y, z, score in group[[*POSITION_COLUMNS, "score"]].to_numpy(np.float64)
        ]
        file.store()


def picks_of_run(
    run: CopickRun, particle_types: Sequence[str] | None, truth: TruthSettings
) -> list[CopickPicks]:
    """List a run's picks files of the given types (None for any) that count, unopened.

    Of the annotations of the data portal those are left that ``truth.portal`` chooses; picks that
    a person has saved beside them are chosen by user and session alone.

    Raises
    ------
    InputError
        If a file of the run does not have copick's name.
    """
    check_picks_names(run)
    picks: list[CopickPicks] = [
        file
        for file in run.get_picks(None if particle_types is None else list(particle_types))
        if truth.is_by(file.user_id, file.session_id) and _is_chosen(file, truth.portal)
    ]
    # Where the static root is the overlay as well, copick lists every file twice.
    return list(
        {getattr(file, "path", str(index)): file for index, file in enumerate(picks)}.values()
    )


def loaded_picks(picks: CopickPicks) -> CopickPicksFile:
    """Read a picks file.

    Raises
    ------
    InputError
        If it is cut off or invalid, holds another type than its name says, is not in Å, or holds
        a non-finite position.
    """
    particle_type = picks.pickable_object_name
    where = getattr(picks, "path", f"run {picks.run.name}, picks of {particle_type}")
    try:
        content = picks.load()
    except OSError as error:
        raise InputError(where, f"cannot be read ({error})", "check the file") from None
    except (ValueError, TypeError) as error:
        raise InputError(
            where,
            f"is not a valid copick picks file ({in_one_line(error)})",
            "fix the file or remove it",
        ) from None
    # From here on copick believes the content, not the file's name.
    if content.pickable_object_name != particle_type:
        raise InputError(
            where,
            f"its name and its pickable_object_name '{content.pickable_object_name}' disagree",
            "fix the one that is wrong",
        )
    check_positions(content, where)
    return content


def check_positions(content: CopickPicksFile, where: object) -> None:
    """Refuse positions that are not in Å or not finite, which copick's model lets pass.

    Raises
    ------
    InputError
        It names ``where``.
    """
    if content.unit != ANGSTROM:
        raise InputError(where, f"has the unit '{content.unit}'", f"give positions in {ANGSTROM}")
    # A particle's centre is location plus translation.
    positions = [
        (point.location.x, point.location.y, point.location.z, *point.transformation[:3, 3])
        for point in content.points or ()
    ]
    if not np.all(np.isfinite(positions)):
        raise InputError(where, "holds a non-finite position", "fix the position or remove it")


def picks_file_name(user_id: str, session_id: str, object_name: str) -> str:
    """Name a picks file as copick does."""
    return f"{NAME_SEPARATOR.join((user_id, session_id, object_name))}.json"


def _is_named_as_ours(path: Path) -> bool:
    return path.name.startswith(f"{OUR_USER_ID}_{OUR_SESSION_ID}_")


def _is_chosen(file: CopickPicks, portal: PortalTruthSettings) -> bool:
    annotation = getattr(file.meta, "portal_metadata", None)
    if annotation is None or not file.read_only:
        return True
    is_one: bool = annotation.compare(portal.metadata, portal.authors)
    return is_one


def _frame(run: str, particle_type: str, picks: CopickPicks) -> pd.DataFrame:
    x, y, z = picks.full_positions().T  # (n, 3) xyz Å
    return pd.DataFrame(
        {
            "run": run,
            "particle_type": particle_type,
            "x": x,
            "y": y,
            "z": z,
            "score": picks.scores(),
        }
    )
