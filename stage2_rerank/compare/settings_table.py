"""The settings files of a results folder as one flat table of keys."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import yaml

from picking.errors import InputError
from picking.files.tables import REMAKE


def read_settings(paths: Sequence[Path]) -> dict[str, str]:
    """Read settings files into one table.

    Parameters
    ----------
    paths : sequence of Path
        YAML files, as the rule ``settings`` writes them; none holds a key of another.

    Returns
    -------
    dict of str to str
        Value as JSON by dotted key, by key. Items of a list that have names, as particle types do,
        are keyed by them: ``particles.ribosome.radius_angstrom``.

    Raises
    ------
    InputError
        If a file cannot be read or is no YAML mapping.
    """
    table: dict[str, str] = {}
    for path in paths:
        try:
            content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(path, f"cannot be read ({error.strerror})", "check the path") from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            summary = " ".join(str(error).split())
            raise InputError(path, f"is not valid YAML ({summary})", REMAKE) from None
        if not isinstance(content, Mapping):
            raise InputError(path, "holds no settings", REMAKE)
        table.update(_leaves("", content))
    return dict(sorted(table.items()))


def _leaves(key: str, value: object) -> Iterator[tuple[str, str]]:
    """Yield every value that is no mapping, as JSON, with its dotted key."""
    if isinstance(value, list) and value and all(_is_named(item) for item in value):
        value = {
            str(item["name"]): {name: part for name, part in item.items() if name != "name"}
            for item in value
        }
    if isinstance(value, Mapping) and value:
        for name, part in value.items():
            yield from _leaves(f"{key}.{name}" if key else str(name), part)
    else:
        # YAML knows dates, which JSON does not.
        yield key, json.dumps(value, sort_keys=True, default=str)


def _is_named(item: object) -> bool:
    return isinstance(item, Mapping) and "name" in item
