"""What a training of stage 1 leaves about itself, for the report."""

from pathlib import Path
from typing import Self

from pydantic import Field

from picking.config.strict_model import StrictModel
from picking.files.json_models import read_model, write_model


class TrainingRecord(StrictModel):
    """One training; ``stage1/{member}/fold{k}/training.json``."""

    encoder: str
    fold: int
    seed: int
    steps: int
    runs: int = Field(description="training runs that it learnt from")
    device: str = Field(description="cpu, or cuda and the card's name")
    precision: str = Field(description="what the network computed in")
    seconds: float = Field(description="of the process that ended it, not of interrupted ones")

    def write(self, path: Path) -> None:
        """Write to a JSON file."""
        write_model(path, self)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what :meth:`write` wrote.

        Raises
        ------
        InputError
            If the file is missing or damaged.
        """
        return read_model(
            path, cls, problem="holds no training's record", if_missing="train stage 1 again"
        )
