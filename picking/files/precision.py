"""The precision in which one result's networks compute: chosen once, kept with the result."""

from typing import Literal

from pydantic import Field

from picking.config.stage1_proposals import PrecisionName
from picking.files.json_models import StoredModel


class Precision(StoredModel):
    """What every network of a result computes in; ``stage1/precision.json``."""

    PROBLEM = "holds no precision"
    IF_MISSING = "choose the precision first"

    precision: PrecisionName


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
