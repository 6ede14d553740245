"""The base of every configuration section."""

from pydantic import BaseModel, ConfigDict


class StrictModel(BaseModel):
    """A section that cannot be changed once read and refuses keys that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
