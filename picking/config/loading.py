"""From YAML files to a validated configuration, with errors for people."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from picking.config.pipeline import PipelineConfig
from picking.errors import InputError


def load_config(paths: Sequence[Path]) -> PipelineConfig:
    """Read one configuration from one or several YAML files that complete one another.

    Parameters
    ----------
    paths : sequence of Path
        YAML files. A key of a later file replaces that of an earlier one, except that a section
        (a mapping) completes an earlier section of the same name, at every depth.

    Returns
    -------
    PipelineConfig

    Raises
    ------
    InputError
        If a file cannot be read, or a key is unknown or has a wrong value.
    """
    merged = read_content(paths)
    return validated_config(merged, where=", ".join(str(path) for path in paths))


def read_content(paths: Sequence[Path]) -> dict[str, Any]:
    """Read the keys of several YAML files, as :func:`load_config` joins them, unchecked.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    merged: dict[str, Any] = {}
    for path in paths:
        try:
            content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(path, f"cannot be read ({error.strerror})", "check the path") from None
        except yaml.YAMLError as error:
            summary = " ".join(str(error).split())
            raise InputError(path, f"is not valid YAML ({summary})", "fix the file") from None
        if not isinstance(content, Mapping):
            raise InputError(path, "holds no configuration keys", "start from config/config.yaml")
        merged = completed(merged, content)
    return merged


def completed(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """Join two mappings; where both hold a mapping under one key, these are joined as well."""
    merged = dict(earlier)
    for key, value in later.items():
        known = merged.get(key)
        if isinstance(known, Mapping) and isinstance(value, Mapping):
            merged[key] = completed(known, value)
        else:
            merged[key] = value
    return merged


def validated_config(content: Mapping[str, Any], where: str) -> PipelineConfig:
    """Validate configuration content; ``where`` names its source in errors.

    Raises
    ------
    InputError
        If a key is unknown or has a wrong value; the message names every such key.
    """
    try:
        return PipelineConfig.model_validate(content)
    except ValidationError as error:
        complaints = []
        for detail in error.errors():
            key = ".".join(str(part) for part in detail["loc"])
            if detail["type"] == "extra_forbidden":
                complaints.append(f"unknown key '{key}'")
            else:
                message = detail["msg"].removeprefix("Value error, ")
                complaints.append(f"{key}: {message}" if key else message)
        raise InputError(
            where, "; ".join(complaints), "config/config.yaml explains every key"
        ) from None
