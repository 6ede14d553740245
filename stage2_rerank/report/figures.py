"""Plots of the report as SVG text that takes its ink from the page, light or dark."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from stage2_rerank.report.content import ReliabilityFigures

# Stands for the page's own text colour until the SVG is written.
INK = "#010203"
STAGE1_COLOR = "#7d8fa9"
TWO_STAGE_COLOR = "#d9772b"
PANEL_INCHES = (3.6, 2.7)
BAR_WIDTH_INCHES = 5.0
BAR_HEIGHT_INCHES = 0.4
BAR_MARGIN_INCHES = 1.0
LEAST_SHOWN = 0.003  # probability; thresholds lie ten times higher
SHARES_LABELLED = (0.01, 0.03, 0.1, 0.3, 1.0)
COUNTS_LABELLED = (1.0, 2.0, 5.0)  # times powers of ten

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
class FbetaOverThreshold:
    """F-beta if all candidates of at least a score are kept, (m,) each, and the threshold."""

    score: NDArray[np.float64]
    fbeta: NDArray[np.float64]
    threshold: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class PicksOverThreshold:
    """Picks, of a run or a volume, if all candidates of at least a score are kept, (m,) each.

    Scores are falling.
    """

    score: NDArray[np.float64]
    picks: NDArray[np.float64]


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


def reliability_panel(bins: list[ReliabilityFigures], particle_type: str) -> str:
    """Draw the frequency of positives over their calibrated probability as SVG text."""

    def draw(axes: Axes) -> None:
        axes.plot([LEAST_SHOWN, 1], [LEAST_SHOWN, 1], color=INK, alpha=0.5, linewidth=1)
        shown = [one for one in bins if one.mean_probability >= LEAST_SHOWN]
        if shown:
            middle = np.maximum([one.frequency for one in shown], LEAST_SHOWN)
            low, high = np.maximum([one.frequency_interval_95 for one in shown], LEAST_SHOWN).T
            axes.errorbar(
                [one.mean_probability for one in shown],
                middle,
                yerr=np.maximum([middle - low, high - middle], 0),
                fmt="o-",
                color=TWO_STAGE_COLOR,
                capsize=3,
            )
        axes.set(xlabel="calibrated probability", ylabel="frequency", xscale="log", yscale="log")
        _share_ticks(axes.xaxis)
        _share_ticks(axes.yaxis)
        axes.set(xlim=(LEAST_SHOWN, 1.1), ylim=(LEAST_SHOWN, 1.1))

    return _panel(draw, f"reliability-{particle_type}")


def fbeta_panel(curve: FbetaOverThreshold, label: str, particle_type: str) -> str:
    """Draw F-beta over the threshold, with the one chosen and its interval, as SVG text."""

    def draw(axes: Axes) -> None:
        low, high = np.clip(curve.interval, LEAST_SHOWN, 1)
        axes.axvspan(low, high, color=TWO_STAGE_COLOR, alpha=0.18, linewidth=0)
        axes.axvline(max(curve.threshold, LEAST_SHOWN), color=TWO_STAGE_COLOR, linewidth=1)
        axes.plot(np.maximum(curve.score, LEAST_SHOWN), curve.fbeta, color=INK, linewidth=1.6)
        axes.set(xlabel="threshold", ylabel=label, xscale="log", ylim=(0, 1.04))
        _share_ticks(axes.xaxis)
        axes.set_xlim(LEAST_SHOWN, 1.1)

    return _panel(draw, f"threshold-{particle_type}")


def likeness_panel(
    out_of_fold: PicksOverThreshold,
    test: PicksOverThreshold,
    threshold: float,
    particle_type: str,
    *,
    labels: tuple[str, str] = ("out of fold", "test"),
    picks_label: str = "picks a run",
) -> str:
    """Draw picks over the threshold, out of fold and in test runs, as SVG text."""

    def draw(axes: Axes) -> None:
        for side, style, label in ((out_of_fold, "-", labels[0]), (test, "--", labels[1])):
            axes.step(
                np.maximum(side.score, LEAST_SHOWN),
                side.picks,
                style,
                where="post",
                color=INK if style == "-" else TWO_STAGE_COLOR,
                label=label,
                linewidth=1.6,
            )
        axes.axvline(max(threshold, LEAST_SHOWN), color=TWO_STAGE_COLOR, linewidth=1)
        axes.set(xlabel="threshold", ylabel=picks_label, xscale="log", yscale="log")
        _share_ticks(axes.xaxis)
        axes.yaxis.set_major_locator(LogLocator(subs=COUNTS_LABELLED))
        _plain_numbers(axes.yaxis)
        axes.set_xlim(LEAST_SHOWN, 1.1)
        axes.legend(loc="lower left")

    return _panel(draw, f"likeness-{particle_type}")


def _share_ticks(axis: Axis) -> None:
    """Label a logarithmic axis of shares with plain numbers."""
    axis.set_major_locator(FixedLocator(SHARES_LABELLED))
    _plain_numbers(axis)


def _plain_numbers(axis: Axis) -> None:
    """Label a logarithmic axis without powers of ten."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


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
            # A pick may hit two references, so that a value may lie above the end at 1.
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
    return figure_svg(lambda figure: draw(figure.add_subplot()), name, size_inches)


def figure_svg(draw: Callable[[Figure], None], name: str, size_inches: tuple[float, float]) -> str:
    """Draw on an empty figure; return it as SVG text in the page's ink and the report's style."""
    # The salt makes ids the same every time, and different between the plots of one page.
    with matplotlib.style.context([STYLE, {"svg.hashsalt": name}]):
        figure = Figure(figsize=size_inches)
        draw(figure)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :].replace(INK, "currentColor")
