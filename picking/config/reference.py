"""Print every key of the configuration as a Markdown page: type, default and what it says."""

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from picking.command_line import command_parser, run_command
from picking.config.masks import SegmentationMasks
from picking.config.particles import ParticleType
from picking.config.pipeline import PipelineConfig

HEADER = """\
# Configuration

Every key of a configuration. This page is the output of `python -m picking.config.reference`. The
same keys stand in [`config/config.yaml`](../config/config.yaml), a file to start from.

A key is set on the command line (`--config seed=1`, or nested:
`--config 'stage2_rerank={threshold_rule: curve}'`) or in a file of your own
(`--configfile mine.yaml`), which holds only what differs. The command line comes last. An unknown
key is refused. [What re-runs](running.md#what-re-runs) says what a changed key makes again.
"""
# How JSON's schema names the bounds of a number, and how a person does.
BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "above",
    "maximum": "at most",
    "exclusiveMaximum": "below",
}
# Models that are the value of a key, or in its list, each with a table of its own: its title.
ENTRIES: dict[type[BaseModel], str] = {
    ParticleType: "An entry of `particles`",
    SegmentationMasks: "A segmentation as `masks`",
}
TYPE_NAMES = {
    "integer": "integer",
    "number": "number",
    "string": "text",
    "boolean": "true or false",
    "null": "null",
    "object": "mapping",
}


def configuration_markdown() -> str:
    """Write the page: a table for each section, after its dotted key."""
    schema = PipelineConfig.model_json_schema()
    pages = [HEADER]
    for section, model in _sections(PipelineConfig):
        rows = _rows(model, _definition(schema, model))
        if rows:
            title = f"`{section}`" if section else "The data and the result"
            says = f"\n{_one_line(inspect.getdoc(model))}\n" if section else ""
            pages.append(f"## {title}\n{says}\n{_table(rows)}")
    for model, title in ENTRIES.items():
        pages.append(f"## {title}\n\n{_table(_rows(model, _definition(schema, model)))}")
    return "\n".join(pages)


def _sections(model: type[BaseModel], key: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Give a model and all that it holds by their dotted keys, in the order of the fields."""
    yield key, model
    for name, field in model.model_fields.items():
        if inspect.isclass(field.annotation) and issubclass(field.annotation, BaseModel):
            yield from _sections(field.annotation, f"{key}.{name}" if key else name)


def _definition(schema: Mapping[str, Any], model: type[BaseModel]) -> Mapping[str, Any]:
    """Find a model's own part of the schema."""
    found: Mapping[str, Any] = schema["$defs"].get(model.__name__, schema)
    return found


def _rows(model: type[BaseModel], schema: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """Give key, type, default and description of each field that is no section itself."""
    rows = []
    for name, field in model.model_fields.items():
        if inspect.isclass(field.annotation) and issubclass(field.annotation, BaseModel):
            continue
        of_field = schema["properties"][name]
        default = "needed" if field.is_required() else f"`{_default(of_field, field.default)}`"
        rows.append((f"`{name}`", type_text(of_field), default, _one_line(field.description)))
    return rows


def _default(schema: Mapping[str, Any], otherwise: object) -> str:
    value = schema.get("default", {} if schema.get("type") == "object" else otherwise)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def type_text(schema: Mapping[str, Any]) -> str:
    """Say a field's JSON schema in words: "integer at least 2", "list (text) or null"."""
    of_several = schema.get("anyOf", schema.get("oneOf"))
    if of_several:
        return " or ".join(dict.fromkeys(type_text(one) for one in of_several))
    if "$ref" in schema:
        (title,) = (title for model, title in ENTRIES.items() if schema["$ref"] == _place_of(model))
        anchor = title.lower().replace("`", "").replace(" ", "-")
        return f"[{title.split()[1]}](#{anchor})"
    choices = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if choices:
        return " or ".join(f"`{choice}`" for choice in choices)
    if schema["type"] == "array":
        return _list_text(schema)
    if schema.get("format") == "path":
        return "path"
    bounds = [f"{words} {schema[key]:g}" for key, words in BOUNDS.items() if key in schema]
    return " ".join([TYPE_NAMES[schema["type"]], " and ".join(bounds)]).rstrip()


def _place_of(model: type[BaseModel]) -> str:
    """Give a model's place in the schema."""
    return f"#/$defs/{model.__name__}"


def _list_text(schema: Mapping[str, Any]) -> str:
    fixed = schema.get("prefixItems")
    if fixed:
        return f"list of {len(fixed)} ({type_text(fixed[0])})"
    return f"list ({type_text(schema['items'])})"


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    lines = ["| key | type | default | |", "|---|---|---|---|"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the command line and print."""
    command_parser(__doc__, with_config=False).parse_args(argv)
    print(configuration_markdown(), end="")


if __name__ == "__main__":
    run_command(main)
