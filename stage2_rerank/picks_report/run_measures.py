"""What is measured of a run, whatever the size of its tomogram, and how it lies in the training."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from picking.errors import InputError
from picking.files.tables import FEATURES
from picking.scoring.scoring_rules import ScoringRules
from stage2_rerank.classifier.candidate_rows import KEYS
from stage2_rerank.picks_report.distributions import LEAST_CANDIDATES, GridCounts
from stage2_rerank.picks_report.training_summary import CUBE_CUBIC_ANGSTROM, SCORE_COLUMNS
from stage2_rerank.report.run_drift import (
    PICKS_A_RUN,
    Z_LIMIT,
    DriftFigures,
    MeasureFigures,
    RunTables,
    measures_by_run,
)

PICKS_DENSITY = "picks in (100 nm)³"
FEATURE_DISTANCE = "feature distance"


def candidate_columns(
    candidates: pd.DataFrame, features: pd.DataFrame, names: list[str], where: object
) -> NDArray[np.float32]:
    """Scores and features of candidates, row by row.

    Parameters
    ----------
    candidates : DataFrame
        Table SCORED_CANDIDATES or OUT_OF_FOLD, n rows.
    features : DataFrame
        Table FEATURES of the same candidates, in any order.
    names : list of str
        C columns: both scores, then features.
    where : object
        What messages call the features.

    Returns
    -------
    ndarray, (n, C), float32

    Raises
    ------
    InputError
        If the features are others, or a candidate has none.
    """
    number = len(SCORE_COLUMNS)
    if list(features.columns[len(FEATURES.columns) :]) != names[number:]:
        raise InputError(
            where,
            "has other features than the training runs",
            "make the feature tables again with the configuration of the training",
        )
    rows = pd.MultiIndex.from_frame(features[KEYS]).get_indexer(
        pd.MultiIndex.from_frame(candidates[KEYS])
    )
    if (rows < 0).any():
        raise InputError(
            where,
            f"lacks {int((rows < 0).sum())} candidate(s)",
            "make candidates, features and scores again",
        )
    scores = candidates[list(SCORE_COLUMNS)].to_numpy(np.float32)
    return np.hstack([scores, features[names[number:]].to_numpy(np.float32)[rows]])


def measures_over_volume(
    tables: RunTables, volumes_cubic_angstrom: Mapping[str, float], rules: ScoringRules
) -> pd.DataFrame:
    """Measure runs as :func:`measures_by_run` does, with picks by volume instead of picks.

    Returns
    -------
    DataFrame, (R, M), float64
        One column for each measure; nan where a run has none.
    """
    measured = measures_by_run(tables, rules)
    volumes = pd.Series({run: volumes_cubic_angstrom[run] for run in tables.runs})
    density = measured.pop(PICKS_A_RUN) / volumes * CUBE_CUBIC_ANGSTROM
    return measured.assign(**{PICKS_DENSITY: density})


def feature_distance(
    counts: Mapping[str, GridCounts], all_rows: Mapping[str, int] | None = None
) -> float:
    """Distance of a run's features from those of the training candidates, 0 to 1.

    Parameters
    ----------
    counts : mapping of str to GridCounts
        Scores and features of the run's candidates, by particle type.
    all_rows : mapping of str to int, optional
        Of a training run: all training candidates by type. The run is then compared with the
        others, as a run is that no classifier learnt from.

    Returns
    -------
    float
        Median over the features of the mean over the types; nan without enough candidates.
    """
    distances = []
    for name, of_type in counts.items():
        others = None if all_rows is None else all_rows[name] - of_type.rows
        if of_type.rows < LEAST_CANDIDATES or others == 0:
            continue
        # F_run - F_all = (n_others / n_all) (F_run - F_others)
        scale = 1.0 if others is None or all_rows is None else all_rows[name] / others
        distances.append(scale * of_type.distance()[len(SCORE_COLUMNS) :])
    if not distances or not len(distances[0]):
        return float("nan")
    return float(np.median(np.mean(distances, axis=0)))


def picks_beside(picks: int, figures: MeasureFigures, volume_cubic_angstrom: float) -> DriftFigures:
    """Set a number of picks beside what the training runs hold in the same volume.

    The spread is never less than the counting noise in this volume.
    """
    if figures.median is None or figures.sigma is None:
        return DriftFigures(value=picks, z=None, flagged=False)
    cubes = volume_cubic_angstrom / CUBE_CUBIC_ANGSTROM
    expected = figures.median * cubes
    sigma = max(figures.sigma * cubes, float(np.sqrt(max(expected, 1.0))))
    z = (picks - expected) / sigma
    return DriftFigures(value=picks, z=z, flagged=abs(z) > Z_LIMIT)
