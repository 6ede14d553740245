"""The base of every configuration section, and of what stages tell each other in JSON."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict


class StrictModel(BaseModel):
    """A section that cannot be changed once read and refuses keys that it does not know.

    No number is infinite or undefined: JSON has no such numbers, and no setting makes sense of one.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False
    )


def text_of_number(value: object) -> object:
    """Turn a whole number into text: YAML and JSON make numbers of names that are digits alone."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


NameOrNumber = Annotated[str, BeforeValidator(text_of_number)]
