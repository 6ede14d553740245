"""Print the page of what notebooks use, from the docstrings.

python docs/write_api_page.py > docs/api.md
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import griffe
from griffe import Attribute, Class, DocstringSectionKind, Function, ParameterKind

REPOSITORY = Path(__file__).resolve().parents[1]
# Python searches this folder first; the rooms lie in the one above.
sys.path.insert(0, str(REPOSITORY))

TABLES = "picking.files.tables"


@dataclass(frozen=True)
class Section:
    """A part of the page: its title, what comes first, and public names by module.

    A class is shown with its members of the form ``Class.member``, if there are any, else with all
    public ones.
    """

    title: str
    text: str
    names: dict[str, tuple[str, ...]]


INTRODUCTION = """\
# Functions for notebooks

What a notebook or a script uses, in the order in which the data pass through the stages.
[A result by hand](notebooks/a_result_by_hand.ipynb) shows most of it at work. This page is the
output of `python docs/write_api_page.py`.

- Arrays of voxels are indexed zyx, positions are xyz in Å, and names say so (`values_zyx`,
  `positions_xyz_angstrom`). T, Z, Y, X and n in a shape are numbers of particle types, voxels and
  rows.
- What is wrong with a file or a setting is raised as `picking.errors.InputError`. It says what is
  wrong, where, and how to fix it.
- Do not import torch (the networks of `stage1_proposals`) and LightGBM
  (`stage2_rerank.classifier`) in one notebook: their copies of OpenMP may not share a process.
"""

SECTIONS = (
    Section(
        "A result",
        "One class opens `results/NAME`. `FinishedResult(Path('results/NAME'))` reads nothing yet.",
        {
            "stage2_rerank.finished_result": ("FinishedResult",),
            "picking.scoring.scoring_rules": (
                "ScoringRules.match_radius_angstrom",
                "ScoringRules.from_config",
            ),
            "picking.config.loading": ("load_config",),
            "picking.data_in.inventory": ("resolve",),
        },
    ),
    Section(
        "Tables",
        "Tables are pandas DataFrames with declared columns. Other columns are refused, but in "
        "FEATURES and EMBEDDING.",
        {TABLES: ("Table.read", "Table.write")},
    ),
    Section(
        "Tomograms, picks and slices",
        "Tomograms and picks are read through copick: any copick project will do.",
        {
            "picking.files.tomogram": ("Tomogram", "read_tomogram", "resampled", "normalised"),
            "picking.coordinates": ("indices_zyx_to_angstrom_xyz", "angstrom_xyz_to_indices_zyx"),
            "picking.files.truth": ("read_truth",),
            "picking.files.picks": ("read_picks", "write_picks"),
            "picking.preview.slices": ("Slice", "thick_slice", "grey_limits"),
            "picking.preview.slice_drawing": (
                "draw_slice",
                "near_slice",
                "outline",
                "legend_line",
            ),
        },
    ),
    Section(
        "Structures",
        "What candidates are compared with by the features `templates`: see "
        "[structures](structures.md).",
        {
            "picking.structures.structure": ("Structure",),
            "picking.structures.read_structure": ("read_structure", "structure_of"),
            "picking.structures.structure_file": ("read_structures",),
            "features.template_matching.missing_wedge": ("MissingWedge",),
            "features.template_matching.bank": ("TemplateBank", "make_bank"),
        },
    ),
    Section(
        "Folds, matching and the metric",
        "",
        {
            "picking.scoring.folds": (
                "Folds.number",
                "Folds.runs",
                "Folds.fold_of",
                "Folds.judged_runs",
                "Folds.training_runs",
                "Folds.read",
                "make_folds",
            ),
            "picking.scoring.truth_matching": ("label_candidates", "new_hits", "proposal_recall"),
            "picking.scoring.suppression": ("suppress",),
            "picking.scoring.metric": ("score", "score_files", "MetricResult", "TypeScore"),
        },
    ),
    Section(
        "Stage 1: score maps and candidates",
        "",
        {
            "picking.files.score_maps": ("ScoreMaps.read",),
            "stage1_proposals.prediction.peaks": ("find_candidates",),
        },
    ),
    Section(
        "Features",
        "[Features](features.md) lists them all.",
        {
            "features.catalogue": ("catalogue",),
            "features.feature": ("Feature",),
            "stage2_rerank.classifier.feature_families": ("feature_family",),
        },
    ),
    Section(
        "Stage 2: ranking, thresholds, comparison",
        "",
        {
            "stage2_rerank.classifier.candidate_rows": (
                "CandidateRows.of_type",
                "CandidateRows.of_families",
                "read_candidate_rows",
            ),
            "stage2_rerank.classifier.rerank_classifier": (
                "RerankClassifier.fit",
                "RerankClassifier.predict_proba",
                "RerankClassifier.margin",
            ),
            "stage2_rerank.rerank_again": ("rerank_again", "Reranked"),
            "stage2_rerank.thresholds.threshold_file": (
                "Thresholds.final_values",
                "Thresholds.fold_values",
            ),
            "stage2_rerank.thresholds.final_picks": ("final_picks",),
            "stage2_rerank.thresholds.cross_validation": (
                "nested_picks",
                "score_picks",
                "counts_by_run",
                "CountsByRun",
                "score_intervals",
                "ScoreIntervals",
            ),
        },
    ),
    Section(
        "Bundles",
        "The manifest of a bundle says what it was trained on and how well it picks. To pick with "
        "it, run the [workflow](picking_with_a_bundle.md), also from a notebook "
        "(`!snakemake --cores 8 picks --config bundle=... dataset=... name=NAME`), and open "
        "`results/NAME` as above.",
        {
            "picking.bundle.open_bundle": ("read_manifest",),
            "picking.bundle.manifest": ("BundleManifest.voxel_angstrom",),
        },
    ),
)


@dataclass(frozen=True)
class Entry:
    """A function, or a class with the members that are shown."""

    module: str
    item: Function | Class
    members: tuple[Function | Attribute, ...]


@cache
def _room(name: str) -> griffe.Module:
    """Read the sources of a package; nothing is imported."""
    return griffe.load(name, search_paths=[REPOSITORY], docstring_parser="numpy")


def entries(section: Section) -> Iterator[Entry]:
    """Go through what a section lists."""
    for module, names in section.names.items():
        room, _, inside = module.partition(".")
        loaded = _room(room)[inside]
        for name in dict.fromkeys(name.partition(".")[0] for name in names):
            item = loaded[name]
            members = [loaded[one] for one in names if one.startswith(f"{name}.")]
            if isinstance(item, Class) and not members:
                members = [one for one in item.members.values() if _is_public(one)]
            yield Entry(module, item, tuple(members))


def _is_public(member: griffe.Object | griffe.Alias) -> bool:
    is_called_or_read = isinstance(member, Function) or "property" in member.labels
    return is_called_or_read and not member.name.startswith("_")


def page() -> str:
    """Write the whole page."""
    parts = [INTRODUCTION]
    for section in SECTIONS:
        parts.append(f"## {section.title}\n")
        if section.text:
            parts.append(f"{section.text}\n")
        module = None
        for entry in entries(section):
            if entry.module != module:
                module = entry.module
                parts.append(f"### `{module}`\n")
                if module == TABLES:
                    parts.append(_tables())
            parts.append(_written(entry))
    return "\n".join(parts)


def _tables() -> str:
    module = import_module(TABLES)
    lines = []
    for name, table in vars(module).items():
        if isinstance(table, module.Table):
            lines.append(f"- `{name}`, {table.name}:")
            lines += [
                f"  - `{column.name}` ({column.dtype}): {column.meaning}"
                for column in table.columns
            ]
            if table.open_dtype:
                lines.append(f"  - further columns ({table.open_dtype})")
    return "\n".join([*lines, ""])


def _written(entry: Entry) -> str:
    item = entry.item
    lines = [f"#### `{item.name}`", ""]
    if isinstance(item, Function):
        lines += [f"`{_signature(item)}`", ""]
    lines += [_text(item), ""]
    bullets = _bullets(item)
    if isinstance(item, Class):
        bullets += _model_fields(entry.module, item)
    for member in entry.members:
        bullets += _member(member)
    return "\n".join([*lines, *bullets, *([""] if bullets else [])])


def _member(member: Function | Attribute) -> list[str]:
    if isinstance(member, Function):
        head = f"- `{_signature(member)}`: {_line(_text(member))}"
        return [head, *_bullets(member, "  ")]
    return [f"- `{member.name}` ({member.annotation}): {_line(_text(member))}"]


def _signature(function: Function) -> str:
    arguments = []
    for parameter in function.parameters:
        if parameter.name in ("self", "cls"):
            continue
        if parameter.kind is ParameterKind.keyword_only and "*" not in arguments:
            arguments.append("*")
        default = "" if parameter.default is None else f"={parameter.default}"
        arguments.append(f"{parameter.name}{default}")
    return f"{function.name}({', '.join(arguments)})"


def docstring_sections(item: Function | Class | Attribute) -> dict[DocstringSectionKind, Any]:
    """Take a docstring apart."""
    if item.docstring is None:
        return {}
    return {section.kind: section.value for section in item.docstring.parsed}


def _text(item: Function | Class | Attribute) -> str:
    """Return the docstring up to its first section."""
    return _plain(docstring_sections(item)[DocstringSectionKind.text])


def _plain(text: str) -> str:
    """Turn reStructuredText's names into Markdown's, and lines of a paragraph into one."""
    text = re.sub(r":\w+:`~?(?:[\w.]+\.)?(\w+)`", r"`\1`", text).replace("``", "`")
    return "\n\n".join(" ".join(part.split()) for part in text.strip().split("\n\n"))


def _line(text: str) -> str:
    return " ".join(_plain(text).split())


def _bullets(item: Function | Class, indent: str = "") -> list[str]:
    """Parameters, attributes, returns and errors, one a line."""
    sections = docstring_sections(item)
    lines = []
    for kind in (DocstringSectionKind.parameters, DocstringSectionKind.attributes):
        for one in sections.get(kind, ()):
            of_type = "" if one.annotation is None else f" ({_type(one.annotation)})"
            lines.append(f"{indent}- `{one.name}`{of_type}: {_line(one.description)}")
    for kind, word in (
        (DocstringSectionKind.returns, "returns"),
        (DocstringSectionKind.raises, "raises"),
    ):
        for one in sections.get(kind, ()):
            name = f" `{one.name}`" if getattr(one, "name", "") else ""
            text = f": {_line(one.description)}" if one.description else ""
            lines.append(f"{indent}- {word}{name} {_type(one.annotation)}{text}")
    return lines


def _type(annotation: griffe.Expr | str) -> str:
    """Write a type as the docstring has it.

    griffe reads an array with shape and dtype, and words to choose from, as a tuple.
    """
    text = str(annotation)
    is_tuple = text.startswith("(float")
    return text if is_tuple or not text.startswith("(") else text[1:-1]


def _model_fields(module: str, item: Class) -> list[str]:
    """Fields of a pydantic model, which describe themselves."""
    fields = getattr(getattr(import_module(module), item.name), "model_fields", {})
    return [
        f"- `{name}` ({item[name].annotation}): {field.description}"
        for name, field in fields.items()
        if field.description
    ]


if __name__ == "__main__":
    print(page(), end="")
