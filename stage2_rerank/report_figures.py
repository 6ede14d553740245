"""Plots of the report as SVG text that takes its ink from the page, light or dark."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

# Stands for the page's own text colour until the SVG is written.
INK = "#010203"
STAGE1_COLOR = "#7d8fa9"
TWO_STAGE_COLOR = "#d9772b"
PANEL_INCHES = (3.6, 2.7)
BAR_WIDTH_INCHES = 5.0
BAR_HEIGHT_INCHES = 0.4
BAR_MARGIN_INCHES = 1.0

STYLE = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#808080",
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}


@dataclass(frozen=True)
class PrecisionRecall:
    """Precision and recall over the threshold, (m,) each, and the nested operating point."""

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    chosen_precision: float
    chosen_recall: float


@dataclass(frozen=True)
class TypeBar:
    """F-beta of one type with its interval, for both stages."""

    particle_type: str
    stage1: tuple[float, float, float]  # low, value, high
    two_stage: tuple[float, float, float]


def precision_recall_panel(
    stage1: PrecisionRecall, two_stage: PrecisionRecall, particle_type: str
) -> str:
    """Draw precision over recall for both stages as SVG text."""

    def draw(axes: Axes) -> None:
        for curve, color, label in (
            (stage1, STAGE1_COLOR, "stage 1"),
            (two_stage, TWO_STAGE_COLOR, "two-stage"),
        ):
            axes.plot(curve.recall, curve.precision, color=color, label=label, linewidth=1.6)
            axes.plot(curve.chosen_recall, curve.chosen_precision, "o", color=color, markersize=7)
        axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.04))
        axes.legend(loc="best")

    return _panel(draw, f"precision-recall-{particle_type}")


def recall_panel(recall: NDArray[np.float64], particle_type: str) -> str:
    """Draw stage 1's recall over the candidate budget as SVG text."""

    def draw(axes: Axes) -> None:
        axes.plot(np.arange(1, len(recall) + 1), recall, color=STAGE1_COLOR, linewidth=1.6)
        axes.set(xlabel="candidates a run", ylabel="recall of stage 1", ylim=(0, 1.04))
        axes.set_xlim(0, max(len(recall), 1) * 1.02)

    return _panel(draw, f"recall-{particle_type}")


def fbeta_bars(bars: list[TypeBar], label: str) -> str:
    """Draw both stages' F-beta with intervals, a row for each type, as SVG text."""
    height = BAR_HEIGHT_INCHES * max(len(bars), 1) + BAR_MARGIN_INCHES

    def draw(axes: Axes) -> None:
        rows = np.arange(len(bars))
        for values, color, stage, offset in (
            ([bar.stage1 for bar in bars], STAGE1_COLOR, "stage 1", -0.15),
            ([bar.two_stage for bar in bars], TWO_STAGE_COLOR, "two-stage", 0.15),
        ):
            low, middle, high = np.array(values, dtype=np.float64).reshape(-1, 3).T
            # The bootstrap's percentiles need not hold the value itself.
            reach = np.maximum([middle - low, high - middle], 0)
            axes.errorbar(
                middle, rows + offset, xerr=reach, fmt="o", color=color, label=stage, capsize=3
            )
        axes.set_yticks(rows, [bar.particle_type for bar in bars])
        axes.set(xlabel=label, xlim=(0, 1.02))
        axes.set_ylim(len(bars) - 0.4, -0.6)
        axes.figure.legend(loc="outside upper right", ncols=2)

    return _panel(draw, "fbeta", (BAR_WIDTH_INCHES, height))


def _panel(
    draw: Callable[[Axes], None], name: str, size_inches: tuple[float, float] = PANEL_INCHES
) -> str:
    # The salt makes ids the same every time, and different between the plots of one page.
    with mpl.rc_context({**STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=size_inches)
        draw(figure.add_subplot())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :].replace(INK, "currentColor")
