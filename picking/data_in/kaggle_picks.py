"""Picks files of a Kaggle folder: read, checked, and given the names that copick expects."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from copick.models import CopickPicksFile, CopickPoint
from pydantic import ValidationError

from picking.config.picks import OUR_USER_ID
from picking.config.strict_model import NameOrNumber
from picking.data_in.other_types import named_type, picks_files
from picking.errors import InputError, in_one_line
from picking.files.picks import (
    NAME_SEPARATOR,
    check_positions,
    picks_file_name,
)

# Keys of names, which are text to copick.
NAMES = ("pickable_object_name", "user_id", "session_id", "run_name")
# A part of a file name, of which copick joins three into at most 255 bytes.
LONGEST_NAME = 60
USABLE_NAME = re.compile(rf"[^_/.\x00][^_/\x00]{{0,{LONGEST_NAME - 1}}}")


class _KagglePicksFile(CopickPicksFile):
    """copick's model of the file; required are keys for which copick has a default.

    A file without them would be of any run, in Å whatever it holds, or without picks.
    """

    pickable_object_name: NameOrNumber
    user_id: NameOrNumber
    session_id: NameOrNumber
    run_name: NameOrNumber
    unit: str
    points: list[CopickPoint]


@dataclass(frozen=True)
class KagglePicks:
    """One picks file that has been checked.

    Parameters
    ----------
    run : str
        Training run.
    particle_type : str
        Type of the picks.
    number : int
        How many there are.
    copick_name : str
        File name under which copick finds it: ``{user}_{session}_{object}.json``.
    text : str
        The file's content, unchanged but for numbers where copick has text.
    """

    run: str
    particle_type: str
    number: int
    copick_name: str
    text: str

    @property
    def author(self) -> tuple[str, str]:
        """User and session."""
        user, session, _ = self.copick_name.split(NAME_SEPARATOR)
        return user, session


def read_kaggle_picks(folder: Path, run: str, particle_types: Sequence[str]) -> list[KagglePicks]:
    """Read and check all picks files of a training run.

    Parameters
    ----------
    folder : Path
        The run's ``Picks`` folder.
    run : str
        Name of the run.
    particle_types : sequence of str
        The types that are looked for; files that are named after others are not read.

    Returns
    -------
    list of KagglePicks
        By file name; of the types that are looked for.

    Raises
    ------
    InputError
        If a file is cut off or lacks a key, holds a non-finite position or another unit than Å,
        or belongs to another run, or its name says another type; the message names it.
    """
    try:
        paths = picks_files(folder)
    except OSError:
        raise InputError(
            folder, f"cannot be listed, so run {run} has no picks", "add its picks"
        ) from None
    if not paths:
        raise InputError(
            folder,
            f"holds no picks file, so nothing says what is in run {run}",
            "add its picks (an empty list of points where there are none), or leave out the run",
        )
    picks = {path: _read(path, run) for path in paths if named_type(path) in particle_types}
    copick_names = [item.copick_name for item in picks.values()]
    for path, name in zip(picks, copick_names, strict=True):
        if copick_names.count(name) > 1:
            raise InputError(
                path, f"another file holds the same picks set ({name})", "keep one of them"
            )
    return list(picks.values())


def _read(path: Path, run: str) -> KagglePicks:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(path, f"cannot be read ({error})", "check the file") from None
    try:
        raw = json.loads(text)
        content = _KagglePicksFile.model_validate(raw)
    except json.JSONDecodeError as error:
        raise InputError(
            path, f"is not a whole JSON file ({error})", "copy the file again"
        ) from None
    except ValidationError as error:
        raise InputError(
            path, f"is not a picks file ({in_one_line(error)})", "fix the file"
        ) from None
    particle_type = content.pickable_object_name
    if named_type(path) != particle_type:
        raise InputError(
            path,
            f"its name and its pickable_object_name '{particle_type}' disagree",
            "fix the one that is wrong",
        )
    if content.run_name != run:
        raise InputError(
            path, f"belongs to run '{content.run_name}', not to {run}", "move it, or fix run_name"
        )
    check_positions(content, path)
    for key, value in (("user_id", content.user_id), ("session_id", content.session_id)):
        if (
            not USABLE_NAME.fullmatch(value)
            or ".json" in value
            or len(value.encode()) > LONGEST_NAME
        ):
            raise InputError(
                path,
                f"{key} is {value[:LONGEST_NAME]!r}",
                f"give it a name of at most {LONGEST_NAME} bytes without '{NAME_SEPARATOR}', '/' "
                "and '.json' that does not begin with a dot",
            )
    if content.user_id == OUR_USER_ID:
        raise InputError(
            path,
            f"user_id is '{OUR_USER_ID}', which marks this workflow's own picks: they are no truth",
            "give the user_id of the person who curated them",
        )
    has_numbers = any(not isinstance(raw[key], str) for key in NAMES)
    return KagglePicks(
        run,
        particle_type,
        len(content.points),
        picks_file_name(content.user_id, content.session_id, particle_type),
        content.model_dump_json() if has_numbers else text,
    )
