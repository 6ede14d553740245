"""``pictures.json``: pictures of particles and of runs for the cross-validation report."""

from pathlib import Path

from pydantic import Field

from picking.config.strict_model import StrictModel
from picking.files.json_models import read_model
from picking.files.whole_files import write_whole_text


class ParticlePicture(StrictModel):
    """One particle in three central slices: xy, xz, yz from left to right, its radius drawn."""

    run: str
    x: float = Field(description="position, Å")
    y: float = Field(description="position, Å")
    z: float = Field(description="position, Å")
    score: float | None = Field(
        description="the pick's probability; of a missed reference that of the best candidate that "
        "hits it, null: none does"
    )
    stands_there: str | None = Field(
        description="of a wrong pick: the particle type of the reference there, its own type if a "
        "better pick hits that reference; null: no labelled particle, or no wrong pick"
    )
    caption: str
    image: str = Field(description="data URL of a JPEG picture")


class TypePictures(StrictModel):
    """Pictures of one particle type; ``*_total`` counts all there are of a kind."""

    color: str = Field(description="#rrggbb")
    half_width_angstrom: float = Field(description="from a picture's middle to its side, Å")
    found: tuple[ParticlePicture, ...] = Field(description="right picks, the best first")
    wrong: tuple[ParticlePicture, ...] = Field(
        description="picks that hit no new reference, the best first"
    )
    missed: tuple[ParticlePicture, ...] = Field(
        description="references that no pick hits, from the nearly picked to the never proposed"
    )
    found_total: int
    wrong_total: int
    missed_total: int


class RunPicture(StrictModel):
    """The xy slice of a run near which most particles lie."""

    run: str
    z: float = Field(description="height of the slice, Å")
    picks: int = Field(description="picks that are drawn, as solid circles")
    references: int = Field(description="references that are drawn, as dashed, wider circles")
    caption: str
    image: str = Field(description="data URL of a JPEG picture")


class ReportPictures(StrictModel):
    """All pictures of the report."""

    types: dict[str, TypePictures] = Field(description="by particle type")
    runs: tuple[RunPicture, ...] = Field(description="of the training runs, or of a part of them")
    training_runs: int = Field(description="all training runs")

    def write(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        write_whole_text(path, self.model_dump_json(indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> "ReportPictures":
        """Read what :meth:`write` wrote.

        Raises
        ------
        InputError
            If the file is missing or damaged.
        """
        return read_model(
            path, cls, problem="holds no pictures", if_missing="draw the pictures first"
        )
