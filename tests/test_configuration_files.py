"""config/*.yaml: complete, explained, and what the code does without them."""

import itertools
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from picking.config import PipelineConfig, load_config

CONFIG = Path(__file__).parent.parent / "config"


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


def test_the_default_configuration_states_every_key_with_its_default() -> None:
    path = CONFIG / "config.yaml"
    assert load_config([path]) == PipelineConfig()
    assert keys_in(yaml.safe_load(path.read_text())) == keys_of(PipelineConfig())


def test_every_key_of_the_default_configuration_is_explained() -> None:
    lines = (CONFIG / "config.yaml").read_text().splitlines()
    for before, line in itertools.pairwise(lines):
        if line.strip() and not line.strip().startswith("#"):
            assert before.strip().startswith("#"), line


@pytest.mark.parametrize("name", ["czii.yaml", "small.yaml"])
def test_the_other_configurations_are_valid(name: str) -> None:
    load_config([CONFIG / "config.yaml", CONFIG / name])
