"""Settings of data in MRC files: which tomograms, which picks, how both are read."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from picking.config.particles import ParticleName
from picking.config.strict_model import StrictModel, text_of_number


def _listed(value: object) -> object:
    """Take a single path for a list of one; YAML makes a number of a name that is digits alone."""
    value = text_of_number(value)
    return (value,) if isinstance(value, str | Path) else value


def _named(paths: tuple[str, ...]) -> tuple[str, ...]:
    if not paths or not all(path.strip() for path in paths):
        raise ValueError("a path is empty; give one or leave the key out")
    return paths


Paths = Annotated[tuple[str, ...], BeforeValidator(_listed), AfterValidator(_named)]
PicksPaths = Paths | dict[ParticleName, Paths]


class MrcSettings(StrictModel):
    """How tomograms in MRC files, and the picks of them, are read."""

    invert_contrast: bool | Literal["auto"] = Field(
        "auto",
        description="whether grey values change their sign when they are read, as particles have "
        "to be dark. auto: if the picks are clearly brighter than what is around them; a bundle, "
        "which looks at no picks, does as it did where it learnt",
    )
    picks_pixel_size: float | None = Field(
        None,
        gt=0,
        description="size in Å of the pixels that picks are given in; null: as a STAR file says, "
        "otherwise the voxels of the tomograms",
    )
    type_column: str | None = Field(
        None,
        min_length=1,
        description="column that holds each pick's type, as its name or its label; null: "
        "particle_type in a STAR file, none in a Dynamo table",
    )
    tomogram_numbers: Path | None = Field(
        None,
        description="file with the number and the name of a tomogram in each line, for Dynamo "
        "tables; null: FILE.doc beside FILE.tbl",
    )
