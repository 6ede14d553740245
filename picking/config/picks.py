"""The final picks: whose they are, and what their files for other software say."""

from typing import Annotated

from pydantic import AfterValidator, Field

from picking.config.names import name_problem
from picking.config.strict_model import NameOrNumber, StrictModel

# Who the final picks are by, unless the user says otherwise. In copick session "0" means that a
# tool made them.
OUR_USER_ID = "tomosieve"
OUR_SESSION_ID = "0"
# Stands for the name of a run in a setting that names its tomogram.
RUN_PLACEHOLDER = "{run}"
# copick splits its file names at underscores and takes no spaces. It joins user, session and type
# into one, which may have 255 bytes.
LONGEST_AUTHOR = 60
NOT_IN_AN_AUTHOR = frozenset("_ ")


def _author(name: str) -> str:
    if problem := name_problem(name, NOT_IN_AN_AUTHOR):
        raise ValueError(problem)
    if len(name.encode()) > LONGEST_AUTHOR:
        raise ValueError(f"{name!r} is too long; use {LONGEST_AUTHOR} letters at most")
    return name


def _pattern(pattern: str) -> str:
    if RUN_PLACEHOLDER not in pattern:
        raise ValueError(
            f"{pattern!r} names all tomograms alike; write {RUN_PLACEHOLDER} where the name of the "
            "run belongs"
        )
    if not pattern.isprintable() or any(letter.isspace() or letter in "\"'" for letter in pattern):
        raise ValueError(
            f"{pattern!r} would be taken apart where it is read; leave out spaces and quotes"
        )
    return pattern


Author = Annotated[NameOrNumber, AfterValidator(_author)]
RunPattern = Annotated[str, AfterValidator(_pattern)]


class PicksSettings(StrictModel):
    """Whose the final picks are, and what their files for other software say."""

    user_id: Author = Field(
        OUR_USER_ID,
        description="copick user that the final picks are written under, without spaces and "
        "underscores. Picks of the user tomosieve never count as truth unless truth.user_id asks "
        "for them; those of another user do",
    )
    session_id: Author = Field(
        OUR_SESSION_ID,
        description="copick session that they are written under; 0 marks what a tool has made, "
        "which ChimeraX does not let a person change",
    )
    relion_name: RunPattern = Field(
        RUN_PLACEHOLDER,
        description="name of a run's tomogram in RELION's tomograms.star (rlnTomoName); {run} "
        "stands for the name of the run",
    )
    tilt_series_pixel_size: float | None = Field(
        None,
        gt=0,
        description="pixel size of the tilt series, Å, which RELION 4 counts rlnCoordinateX, Y and "
        "Z in; null: they are in voxels of the tomogram that was picked. RELION 5 reads "
        "rlnCenteredCoordinateXAngst, Y and Z instead, which need no pixel size",
    )
    dynamo_file: RunPattern = Field(
        f"{RUN_PLACEHOLDER}.mrc",
        description="file of a run's tomogram in Dynamo's table map; {run} stands for the name of "
        "the run",
    )
