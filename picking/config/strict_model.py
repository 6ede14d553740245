"""The base of every configuration section, and of what stages tell each other in JSON."""

from pydantic import BaseModel, ConfigDict


class StrictModel(BaseModel):
    """A section that cannot be changed once read and refuses keys that it does not know.

    No number is infinite or undefined: JSON has no such numbers, and no setting makes sense of one.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False
    )
