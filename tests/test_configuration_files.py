"""config/*.yaml: complete, explained, and what the code does without them."""

import inspect
import json
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from picking.config import CZII_PARTICLES, PipelineConfig, load_config
from picking.data_in.inventory import resolve

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


def entries_of_mappings(model: BaseModel, keys: Iterable[str]) -> set[str]:
    """Those of the dotted keys that are no fields but entries of a field that is a mapping."""
    fields = keys_of(model)
    return {key for key in keys if key not in fields and key.rpartition(".")[0] in mappings(model)}


def mappings(model: BaseModel, prefix: str = "") -> set[str]:
    found = set()
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, dict):
            found.add(prefix + name)
        elif isinstance(value, BaseModel):
            found |= mappings(value, f"{prefix}{name}.")
    return found


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
        if line.strip() and ":" in line:  # else a list goes on
            depth = (len(line) - len(line.lstrip())) // INDENT
            sections = [*sections[:depth], line.split(":")[0].strip()]
            comments[".".join(sections)] = " ".join(above)
        above = []
    return comments


def test_the_default_configuration_states_every_key_with_its_default() -> None:
    path = CONFIG / "config.yaml"
    assert load_config([path]) == PipelineConfig()
    keys = keys_in(yaml.safe_load(path.read_text()))
    assert keys - entries_of_mappings(PipelineConfig(), keys) == keys_of(PipelineConfig())


def test_every_comment_of_the_default_configuration_is_the_keys_description() -> None:
    comments = comments_in((CONFIG / "config.yaml").read_text())
    for entry in entries_of_mappings(PipelineConfig(), comments):
        assert comments.pop(entry) == ""
    assert comments == descriptions_of(PipelineConfig())


@pytest.mark.parametrize("name", ["czii.yaml", "portal.yaml", "small.yaml"])
def test_the_other_configurations_are_valid(name: str) -> None:
    load_config([CONFIG / "config.yaml", CONFIG / name])


@pytest.mark.parametrize("name", ["portal_10440.json", "portal_10445_10446.json"])
def test_on_the_portal_the_challenges_particles_are_looked_for(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = json.loads((CONFIG / name).read_text())
    assert len({item["identifier"] for item in content["pickable_objects"]}) == len(CZII_PARTICLES)
    # Without the portal: its objects stand in the configuration.
    as_folders = json.dumps({**content, "config_type": "filesystem"})
    monkeypatch.setattr(
        "picking.files.copick_project.read_config", lambda _: json.loads(as_folders)
    )
    assert resolve(PipelineConfig(copick=CONFIG / name)).particles == CZII_PARTICLES


def test_the_portals_settings_name_a_project_that_is_there() -> None:
    config = load_config([CONFIG / "portal.yaml"])
    assert config.copick is not None
    assert (CONFIG.parent / config.copick).is_file()
