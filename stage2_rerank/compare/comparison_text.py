"""A comparison as text: tables for a terminal, a Markdown file or a page."""

from collections.abc import Sequence
from dataclasses import dataclass

from stage2_rerank.compare.comparison import ComparedReport, Comparison, ScorePart, StagePart
from stage2_rerank.page.templates import page_environment

TEMPLATE = "comparison.html"
NOTHING = "–"


@dataclass(frozen=True)
class Section:
    """One table with its heading; ``rows`` are as long as ``head``."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def sections(comparison: Comparison) -> tuple[Section, ...]:
    """Lay out a comparison; tables without a row are left out.

    Parameters
    ----------
    comparison : Comparison
        Results folders side by side.

    Returns
    -------
    tuple of Section
        Scores, particle types, differing settings and unreadable folders.
    """
    labels = tuple(folder.label for folder in comparison.folders)
    reports = [folder.report for folder in comparison.folders]
    tables = (
        Section(
            "Scores",
            ("name", "training runs", "folds", "seed", "stage 1 alone", "both stages", "gain"),
            tuple(
                (
                    folder.label,
                    str(folder.report.training_runs),
                    str(folder.report.folds),
                    NOTHING if folder.seed is None else folder.seed,
                    _with_interval(folder.report.stage1),
                    _with_interval(folder.report.two_stage),
                    _with_interval(folder.report.gain, sign="+"),
                )
                for folder in comparison.folders
            ),
            "Out of fold. Intervals: 95 %, t over the judged runs (jackknife) of each folder, "
            "models and thresholds held fixed; reports of earlier versions have narrower ones "
            "(percentile bootstrap) and stage 1 by the curve."
            if comparison.judged_on_the_same_runs
            else "Not judged on the same runs: these scores do not say which is better.",
        ),
        Section(
            "F-beta by particle type, stage 1 alone → both stages",
            ("particle type", *labels),
            tuple(
                (name, *(_both_stages(report, name) for report in reports))
                for name in dict.fromkeys(
                    name for report in reports for name in report.two_stage.per_type
                )
            ),
        ),
        Section(
            "Settings that differ",
            ("setting", *labels),
            tuple(
                (key, *(NOTHING if value is None else value for value in values))
                for key, values in comparison.differing.items()
            ),
        ),
        Section(
            "Not to be read",
            ("folder", "why"),
            tuple(comparison.unreadable.items()),
        ),
    )
    return tuple(table for table in tables if table.rows)


def to_markdown(tables: Sequence[Section]) -> str:
    """Write tables in Markdown, their columns aligned so that they can be read as they are."""
    return "\n\n".join(
        "\n\n".join([f"## {table.title}", _markdown_table(table), *filter(None, [table.note])])
        for table in tables
    )


def to_html(tables: Sequence[Section]) -> str:
    """Write tables as one self-contained page."""
    return page_environment().get_template(TEMPLATE).render(tables=tables)


def _markdown_table(table: Section) -> str:
    rows = [
        [" ".join(cell.split()).replace("|", "\\|") for cell in row]
        for row in (table.head, *table.rows)
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def _with_interval(part: ScorePart, sign: str = "") -> str:
    low, high = part.interval_95
    return f"{part.score:{sign}.3f} ({low:{sign}.3f} to {high:{sign}.3f})"


def _both_stages(report: ComparedReport, particle_type: str) -> str:
    return " → ".join(_fbeta(stage, particle_type) for stage in (report.stage1, report.two_stage))


def _fbeta(stage: StagePart, particle_type: str) -> str:
    figures = stage.per_type.get(particle_type)
    return NOTHING if figures is None else f"{figures.fbeta:.3f}"
