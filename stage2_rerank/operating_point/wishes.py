"""What somebody wants of a particle type's picks: a probability, a precision or a number."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from picking.errors import InputError

WayToChoose = Literal["probability", "precision", "number"]
WAYS: tuple[WayToChoose, ...] = ("probability", "precision", "number")
# What each way takes.
MEANING: dict[WayToChoose, str] = {
    "probability": "a probability from 0 up to, but not including, 1",
    "precision": "a share of right picks, above 0 and at most 1",
    "number": "a whole number of picks from 1",
}


@dataclass(frozen=True)
class Wish:
    """One wish; ``value`` is a probability, a precision or a number of picks, as ``way`` says."""

    way: WayToChoose
    value: float


def wishes_by_type(
    given: Mapping[WayToChoose, Sequence[str]], particle_types: Sequence[str]
) -> dict[str, Wish]:
    """Read wishes as they are given on a command line: ``0.9`` or ``ribosome=0.9``.

    Parameters
    ----------
    given : mapping of str to sequence of str
        Texts by the way to choose. One without a type is for all types that no other text names.
    particle_types : sequence of str
        The types that there are.

    Returns
    -------
    dict of str to Wish
        By type; without the types that nothing is wished of.

    Raises
    ------
    InputError
        If a value or a type makes no sense, or a type is given two wishes.
    """
    for_all: Wish | None = None
    named: dict[str, Wish] = {}
    for way, texts in given.items():
        for text in texts:
            name, equals, value = text.rpartition("=")
            wish = Wish(way, _value(way, value))
            if equals and name not in particle_types:
                raise InputError(
                    f"--{way} {text}",
                    f"there is no particle type '{name}'",
                    f"the types are {', '.join(particle_types)}",
                )
            if name in named if equals else for_all is not None:
                raise InputError(
                    f"--{way} {text}",
                    f"is a second wish for {name if equals else 'all types'}",
                    "give one; TYPE=VALUE is for one type and goes before a VALUE for all",
                )
            if equals:
                named[name] = wish
            else:
                for_all = wish
    both = {name: named.get(name, for_all) for name in particle_types}
    return {name: wish for name, wish in both.items() if wish is not None}


def _value(way: WayToChoose, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    makes_sense = {
        "probability": 0 <= value < 1,
        "precision": 0 < value <= 1,
        "number": value >= 1 and value.is_integer(),
    }
    if not makes_sense[way]:
        raise InputError(f"--{way}", f"'{text}' is not {MEANING[way]}", "give such a number")
    return value
