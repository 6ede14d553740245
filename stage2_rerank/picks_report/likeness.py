"""Are these tomograms like those of the training? In figures, and in plain words."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stage2_rerank.picks_report.content import DistanceFigures, Likeness, MeasureLikeness
from stage2_rerank.picks_report.distributions import LEAST_CANDIDATES, GridCounts
from stage2_rerank.picks_report.run_measures import FEATURE_DISTANCE
from stage2_rerank.picks_report.training_summary import SCORE_COLUMNS, TrainingSummary
from stage2_rerank.report.run_drift import Z_LIMIT, DriftFigures, MeasureFigures, deviation_of

# Standard error of a median of normal values, in sigmas of one of them, times the root of their
# number.
MEDIAN_ERROR = 1.2533
# The spread itself is known from R runs only. With this much more for small R chance exceeds the
# limit in 1 of 100 measures of 8 training runs, and in 1 of 1000 of 50 (normal values, simulated).
SMALL_SAMPLE = 2.0
# Nearer than a standard deviation, the usual new run still looks like many a training run.
LEAST_SHIFT = 1.0
# A distance says "unlike" if chance alone would make half of it, and it is large in itself.
TIMES_CHANCE = 2.0
# Mean of Kolmogorov's distribution, sqrt(pi/2) ln 2: what n values of one distribution differ from
# it by, times the root of n.
KOLMOGOROV_MEAN = 0.8687
LEAST_DISTANCE = 0.2
# A few of some 200 features exceed both by chance.
MOST_UNLIKE_FEATURES = 0.1
NAMED_FEATURES = 3


def likeness_of(
    measured: pd.DataFrame, counts: Mapping[str, GridCounts], summary: TrainingSummary
) -> Likeness:
    """Set R runs beside the training runs.

    Parameters
    ----------
    measured : DataFrame, (R, M), float64
        Measures by run.
    counts : mapping of str to GridCounts
        Scores and features of all their candidates, by particle type.
    summary : TrainingSummary
        The training.

    Returns
    -------
    Likeness
    """
    measures = {
        name: _measure(measured[name].to_numpy(np.float64), figures, name, len(summary.runs))
        for name, figures in summary.measures.items()
        if name in measured
    }
    scores, features = _distances(counts, summary, len(measured))
    reasons = [_measure_in_words(name, one) for name, one in measures.items() if one.is_unlike]
    for number, column in enumerate(SCORE_COLUMNS):
        types = [name for name, one in scores.items() if list(one.values())[number].is_unlike]
        if types:
            reasons.append(f"the {column.replace('_', ' ')}s of {', '.join(types)}")
    unlike = [name for name, one in features.items() if one.is_unlike]
    if len(unlike) > MOST_UNLIKE_FEATURES * len(features):
        named = ", ".join(unlike[:NAMED_FEATURES])
        reasons.append(f"{len(unlike)} of {len(features)} features, most in {named}")
    known = any(one.shift is not None for one in measures.values()) or any(
        one.by_chance is not None for one in features.values()
    )
    return Likeness(
        is_unlike=bool(reasons) if known else None,
        unlike_in=tuple(reasons),
        measures=measures,
        scores=scores,
        features=features,
        namesakes=len(set(measured.index) & set(summary.runs)),
    )


def run_measure(value: float, figures: MeasureFigures, name: str) -> DriftFigures:
    """Set one run's measure beside the training runs; nearer features than usual are no fault."""
    one = deviation_of(value, figures)
    if name == FEATURE_DISTANCE and one.z is not None and one.z < 0:
        return one.model_copy(update={"flagged": False})
    return one


def shift_limit(runs: int, training_runs: int) -> float:
    """How many sigmas the medians of so many runs may differ by, and be called alike."""
    chance = MEDIAN_ERROR * np.sqrt(1 / max(runs, 1) + 1 / training_runs)
    return max(LEAST_SHIFT, float(Z_LIMIT * chance * (1 + SMALL_SAMPLE / training_runs)))


def chance_distance(
    null_distance: NDArray[np.float64], runs: int, training_runs: int
) -> NDArray[np.float64]:
    """Estimate what so many runs that are like the training runs differ from these by.

    The squared distance goes with 1/n of either side; the null's sides have half the training runs.
    """
    scale = (1 / max(runs, 1) + 1 / training_runs) / (4 / training_runs)
    return np.asarray(null_distance * np.sqrt(scale), dtype=np.float64)


def _measure(
    values: NDArray[np.float64], figures: MeasureFigures, name: str, training_runs: int
) -> MeasureLikeness:
    known = values[np.isfinite(values)]
    limit = shift_limit(len(known), training_runs)
    median = float(np.median(known)) if len(known) else None
    shift = None
    if median is not None and figures.median is not None and figures.sigma is not None:
        shift = (median - figures.median) / figures.sigma
    too_far = shift is not None and (shift if name == FEATURE_DISTANCE else abs(shift)) > limit
    return MeasureLikeness(
        training=figures.median,
        sigma=figures.sigma,
        median=median,
        shift=shift,
        limit=limit,
        is_unlike=too_far,
    )


def _measure_in_words(name: str, one: MeasureLikeness) -> str:
    return f"{name} ({one.median:.3g}, in training {one.training:.3g} ± {one.sigma:.2g})"


def _distances(
    counts: Mapping[str, GridCounts], summary: TrainingSummary, runs: int
) -> tuple[dict[str, dict[str, DistanceFigures]], dict[str, DistanceFigures]]:
    """Distances of the scores by type, and of the features over all types that have enough."""
    names = [name for name, one in counts.items() if one.rows >= LEAST_CANDIDATES]
    if not names:
        return {}, {}
    distance = np.array([counts[name].distance() for name in names])  # (types, columns)
    null = np.array(
        [
            [
                np.nan if one.null_distance is None else one.null_distance
                for one in summary.types[name].distributions.values()
            ]
            for name in names
        ]
    )
    chance = chance_distance(null, runs, len(summary.runs))
    rows = np.array([counts[name].rows for name in names])
    # Halves may agree by luck in one type, and few candidates differ from anything.
    chance = np.maximum(chance, KOLMOGOROV_MEAN / np.sqrt(rows)[:, None])
    for_scores = np.fmax(chance, _mean_known(chance))
    number = len(SCORE_COLUMNS)
    scores = {
        name: {
            column: _figures(distance[row, place], for_scores[row, place])
            for place, column in enumerate(SCORE_COLUMNS)
        }
        for row, name in enumerate(names)
    }
    of_features, by_chance = distance.mean(axis=0)[number:], _mean_known(chance)[number:]
    order = np.argsort(by_chance - of_features, kind="stable")  # nan last
    columns = summary.column_names[number:]
    features = {columns[place]: _figures(of_features[place], by_chance[place]) for place in order}
    return scores, features


def _mean_known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the rows of what is not nan; nan where nothing is."""
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)


def _figures(distance: float, chance: float) -> DistanceFigures:
    known = bool(np.isfinite(chance))
    return DistanceFigures(
        distance=float(distance),
        by_chance=float(chance) if known else None,
        is_unlike=known and distance > max(TIMES_CHANCE * chance, LEAST_DISTANCE),
    )
