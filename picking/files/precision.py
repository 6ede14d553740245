"""The precision in which one result's networks compute: chosen once, kept with the result."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field

from picking.config.stage1_proposals import PrecisionName
from picking.config.strict_model import StrictModel
from picking.files.json_models import read_model, write_model


class Precision(StrictModel):
    """What every network of a result computes in; ``stage1/precision.json``."""

    precision: PrecisionName

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
            path, cls, problem="holds no precision", if_missing="choose the precision first"
        )


class PrecisionTiming(Precision):
    """How a precision was chosen; ``stage1/precision_timing.json``."""

    asked_for: PrecisionName | Literal["auto"] = Field(
        description="the configuration's stage1_proposals.precision"
    )
    device: str = Field(description="processor or graphics card")
    instruction_set: str | None = Field(
        description="the widest that torch uses on this processor; null: a graphics card"
    )
    threads: int | None = Field(description="threads of a training; null: a graphics card")
    step_seconds: dict[str, float] = Field(
        description="time of one small training step by precision; empty: not measured. What "
        "this device has no fast units for is not there"
    )
