"""The truth picks of a copick project, of one user or of several."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from picking.config import ParticleType, TruthSettings
from picking.errors import InputError
from picking.files.picks import SET_COLUMNS, read_sets
from picking.files.tables import POSITION_COLUMNS, TRUTH
from picking.merged_positions import merged_positions

ANYONES = TruthSettings()
# copick's name for whoever picked on the data portal; the session is the number of a file there.
PORTAL_USER = "data-portal"


def read_truth(
    copick_config: Path,
    runs: Sequence[str],
    particles: Sequence[ParticleType],
    truth: TruthSettings = ANYONES,
) -> pd.DataFrame:
    """Read the truth picks of a copick project.

    Parameters
    ----------
    copick_config : Path
        copick configuration file.
    runs : sequence of str
        Runs to read.
    particles : sequence of ParticleType
        Types to read; picks of others are left alone.
    truth : TruthSettings
        Whose picks count.

    Returns
    -------
    DataFrame
        Table ``picking.files.tables.TRUTH``: by run, then type, in the given orders; positions in
        Å are the particles' centres, location plus translation.

    Raises
    ------
    InputError
        If a picks file is damaged, not in Å or holds a non-finite position, or several users or
        sessions have picks of one type in one run and ``truth`` does not say how close they are
        one particle.
    """
    names = [particle.name for particle in particles]
    return merged_truth(read_sets(copick_config, runs, names, truth), particles, truth)


def merged_truth(
    sets: pd.DataFrame, particles: Sequence[ParticleType], truth: TruthSettings
) -> pd.DataFrame:
    """Make one list of each run's and type's picks.

    Parameters
    ----------
    sets : DataFrame
        What :func:`picking.files.picks.read_sets` read.
    particles : sequence of ParticleType
        The types.
    truth : TruthSettings
        Says what becomes of several sets.

    Returns
    -------
    DataFrame
        Table ``picking.files.tables.TRUTH``, in the order of ``sets``.

    Raises
    ------
    InputError
        If a run has several sets of a type, which ``truth`` does not merge, or one of the same user
        and session in either root of the project.
    """
    radius_angstrom = {particle.name: particle.radius_angstrom for particle in particles}
    parts = []
    for (run, particle_type), picks in sets.groupby(["run", "particle_type"], sort=False):
        by_set = dict(tuple(picks.groupby(SET_COLUMNS, sort=False)))
        if len(by_set) == 1:
            parts.append(picks[TRUTH.column_names])
            continue
        names = [f"{user}/{session}" for user, session, _ in by_set]
        authors = ", ".join(names)
        if len({*names}) < len(names):
            raise InputError(
                f"run {run}",
                f"has {particle_type} picks of one name in both roots of the project ({authors})",
                "remove or rename one of the two files",
            )
        if truth.merge_within is None:
            is_on_portal = any(user == PORTAL_USER for user, *_ in by_set)
            choice = "truth.portal" if is_on_portal else "truth.user_id and truth.session_id"
            raise InputError(
                f"run {run}",
                f"has several sets of {particle_type} picks (user/session {authors})",
                f"say which one counts by {choice}, or set truth.merge_within "
                "(0.5, for instance) to take them together",
            )
        positions = merged_positions(
            [one[POSITION_COLUMNS].to_numpy(np.float64) for one in by_set.values()],
            truth.merge_within * radius_angstrom[str(particle_type)],
        )
        part = pd.DataFrame(positions, columns=POSITION_COLUMNS)
        part.insert(0, "run", str(run))
        part.insert(1, "particle_type", str(particle_type))
        parts.append(part)
    return pd.concat(parts, ignore_index=True) if parts else sets[TRUTH.column_names]
