"""Which run a picks file means by the name that it gives to a tomogram."""

import re
from collections.abc import Collection, Iterable

from picking.data_in.mrc_tomograms import bare_name, listed
from picking.errors import InputError


def runs_of_names(
    names: Iterable[str], runs: Collection[str], left_out: Collection[str], where: object
) -> dict[str, str]:
    """Match names of tomograms in picks files with runs.

    A name is that of a run if both are the same without folders and endings. Otherwise a run whose
    name holds it as a whole is taken, such as ``TS_1_10.00Apx`` for ``TS_1``, if there is just one.

    Parameters
    ----------
    names : iterable of str
        Names, as the files give them: ``TS_1``, ``tomograms/rec_TS_1.mrc``, ``TS_1.tomostar``.
    runs : collection of str
        Runs that have a tomogram.
    left_out : collection of str
        Runs or names that the user leaves out.
    where : object
        What messages call the files.

    Returns
    -------
    dict of str to str
        Run of each name, but for those that are left out.

    Raises
    ------
    InputError
        If a name fits no run or several, or two names fit one.
    """
    matched: dict[str, str] = {}
    missing: list[str] = []
    for name in dict.fromkeys(names):
        bare = bare_name(name)
        if bare in left_out or name in left_out:
            continue
        fitting = [bare] if bare in runs else [run for run in runs if _holds(run, bare)]
        if len(fitting) > 1:
            raise InputError(
                where,
                f"the tomogram {name} may be {listed(sorted(fitting))}",
                "name the tomograms as the picks do, or give fewer tomograms by a pattern",
            )
        if not fitting:
            missing.append(bare)
        elif fitting[0] not in left_out:
            matched[name] = fitting[0]
    if missing:
        raise InputError(
            where,
            f"has picks of {listed(missing)}, of which there is no tomogram (the tomograms are "
            f"{listed(sorted(runs))})",
            "add the tomograms, rename their files, or leave these picks out: "
            f"leave_out=[{','.join(missing)}]",
        )
    check_unique(matched.items(), where)
    return matched


def _holds(run: str, name: str) -> bool:
    """Whether a run's name holds another name that no letter or digit goes on.

    A number that follows makes it another name: ``Position_1_2`` is not ``Position_1``.
    """
    goes_on = r"(?![A-Za-z0-9]|[_-]\d+(?![A-Za-z0-9.]))"
    return bool(re.search(rf"(?<![A-Za-z0-9]){re.escape(name)}{goes_on}", run))


def check_unique(matched: Iterable[tuple[str, str]], where: object) -> None:
    """Refuse two names, of one picks file or of several, that were matched with one run.

    Parameters
    ----------
    matched : iterable of (name, run)
        What :func:`runs_of_names` found.
    where : object
        What messages call the files.

    Raises
    ------
    InputError
        If two names stand for one run.
    """
    name_of: dict[str, str] = {}
    for name, run in matched:
        other = name_of.setdefault(run, name)
        if bare_name(other) != bare_name(name):
            raise InputError(
                where,
                f"both {other} and {name} would be the tomogram {run}",
                "name the tomograms as the picks do",
            )
