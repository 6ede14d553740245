"""The report's section on what stage 2 learnt: its figures and its plots."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from picking.errors import InputError
from stage2_rerank.classifier.importance_record import (
    ImportanceFigures,
    ImportanceOfType,
    read_importance,
)
from stage2_rerank.report.figures import TWO_STAGE_COLOR, figure_svg

FAMILIES_INCHES = (3.6, 2.9)
DEPENDENCE_INCHES = (3.6, 3.8)
DEPENDENCE_COLUMNS = 2
SMALL_TEXT = 8  # points: names of features are long
LONGEST_LINE = 22  # letters of a name below a small panel
FLATTEST_REACH = 0.1  # log odds: what moves a candidate less than this is drawn flat


def importance_section(paths: Iterable[Path]) -> tuple[ImportanceFigures, dict[str, str]]:
    """Read what stage 2 learnt of each type, and draw it.

    Parameters
    ----------
    paths : iterable of Path
        ``stage2/{particle_type}.importance.json`` of all types.

    Returns
    -------
    tuple of ImportanceFigures and dict of str to str
        Figures for ``cv_report.json``; SVG text: for every type that uses its correction "TYPE
        families" and, if any feature counts, "TYPE dependence".

    Raises
    ------
    InputError
        If a file is missing or damaged, or two are of one type.
    """
    per_type: dict[str, ImportanceOfType] = {}
    for path in paths:
        importance = read_importance(path)
        if importance.particle_type in per_type:
            raise InputError(
                path,
                f"is of {importance.particle_type}, as another is",
                "give one file for each type",
            )
        per_type[importance.particle_type] = importance
    families = dict.fromkeys(family for one in per_type.values() for family in one.families)
    figures = ImportanceFigures(families=tuple(families), per_type=per_type)
    plots = {}
    for name in figures.used:
        plots[f"{name} families"] = families_panel(per_type[name])
        if per_type[name].partial_dependence:
            plots[f"{name} dependence"] = dependence_panels(per_type[name])
    return figures, plots


def families_panel(importance: ImportanceOfType) -> str:
    """Draw how much worse stage 2 gets without each family as SVG text."""

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        rows = np.arange(len(importance.families))
        rises = [family.permutation for family in importance.families.values()]
        axes.barh(
            rows,
            [100 * importance.share_of_loss(one.rise) for one in rises],
            xerr=[100 * importance.share_of_loss(one.standard_error) for one in rises],
            color=TWO_STAGE_COLOR,
            ecolor="#808080",
            capsize=3,
        )
        axes.axvline(0, color="#808080", linewidth=1)
        axes.set_yticks(rows, list(importance.families))
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlabel("rise of the loss if permuted, %")

    return figure_svg(draw, f"families-{importance.particle_type}", FAMILIES_INCHES)


def dependence_panels(importance: ImportanceOfType) -> str:
    """Draw how the log odds follow the features that count most, one scale for all, as SVG text."""
    curves = importance.partial_dependence

    def draw(figure: Figure) -> None:
        rows = -(-len(curves) // DEPENDENCE_COLUMNS)
        panels = figure.subplots(rows, DEPENDENCE_COLUMNS, sharey=True, squeeze=False).ravel()
        ends = [curve.lowest + curve.highest for curve in curves.values()]
        reach = max(FLATTEST_REACH, 1.1 * float(np.abs(np.concatenate(ends)).max()))
        for axes, (name, curve) in zip(panels, curves.items(), strict=False):
            axes.fill_between(
                curve.values,
                curve.lowest,
                curve.highest,
                color=TWO_STAGE_COLOR,
                alpha=0.18,
                linewidth=0,
            )
            axes.plot(curve.values, curve.change, color=TWO_STAGE_COLOR, linewidth=1.6)
            axes.set_ylim(-reach, reach)
            _label_small(axes, name)
        for axes in panels[len(curves) :]:
            axes.set_visible(False)
        figure.supylabel("change of the log odds", fontsize=SMALL_TEXT + 1)

    return figure_svg(draw, f"dependence-{importance.particle_type}", DEPENDENCE_INCHES)


def _label_small(axes: Axes, name: str) -> None:
    axes.set_xlabel(in_lines(name), fontsize=SMALL_TEXT)
    axes.tick_params(labelsize=SMALL_TEXT)
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.get_offset_text().set_fontsize(SMALL_TEXT)


def in_lines(name: str) -> str:
    """Break a feature's name after underscores into lines that fit below a small panel."""
    lines = [""]
    for word in name.replace("_", "_ ").split():
        if lines[-1] and len(lines[-1]) + len(word) > LONGEST_LINE:
            lines.append("")
        lines[-1] += word
    return "\n".join(lines)
