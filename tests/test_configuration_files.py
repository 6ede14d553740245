"""config/*.yaml: complete, explained, and what the code does without them."""

import inspect
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from picking.config import PipelineConfig, load_config

CONFIG = Path(__file__).parent.parent / "config"
INDENT = 2


def keys_of(model: BaseModel, prefix: str = "") -> set[str]:
    keys = set()
    for name in type(model).model_fields:
        value = getattr(model, name)
        keys.add(prefix + name)
        if isinstance(value, BaseModel):
            keys |= keys_of(value, f"{prefix}{name}.")
    return keys


def keys_in(content: object, prefix: str = "") -> set[str]:
    if not isinstance(content, dict):
        return set()
    return {
        key
        for name, value in content.items()
        for key in ({prefix + name} | keys_in(value, f"{prefix}{name}."))
    }


def descriptions_of(model: BaseModel, prefix: str = "") -> dict[str, str]:
    """Text of every field by its dotted key; a section without a description has its class's."""
    texts = {}
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        texts[prefix + name] = field.description or inspect.getdoc(type(value)) or ""
        if isinstance(value, BaseModel):
            texts |= descriptions_of(value, f"{prefix}{name}.")
    return {key: " ".join(text.split()) for key, text in texts.items()}


def comments_in(text: str) -> dict[str, str]:
    """Comment right above every key of a YAML file of block mappings, by its dotted key."""
    comments: dict[str, str] = {}
    above: list[str] = []
    sections: list[str] = []
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            above += line.lstrip(" #").split()
            continue
        if line.strip():
            depth = (len(line) - len(line.lstrip())) // INDENT
            sections = [*sections[:depth], line.split(":")[0].strip()]
            comments[".".join(sections)] = " ".join(above)
        above = []
    return comments


def test_the_default_configuration_states_every_key_with_its_default() -> None:
    path = CONFIG / "config.yaml"
    assert load_config([path]) == PipelineConfig()
    assert keys_in(yaml.safe_load(path.read_text())) == keys_of(PipelineConfig())


def test_every_comment_of_the_default_configuration_is_the_keys_description() -> None:
    assert comments_in((CONFIG / "config.yaml").read_text()) == descriptions_of(PipelineConfig())


@pytest.mark.parametrize("name", ["czii.yaml", "small.yaml"])
def test_the_other_configurations_are_valid(name: str) -> None:
    load_config([CONFIG / "config.yaml", CONFIG / name])
