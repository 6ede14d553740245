"""One pass over the picked runs: each is read, measured and counted, and only that is kept."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from picking.files.tables import PICKS
from picking.scoring.scoring_rules import ScoringRules
from stage2_rerank.picks_report.distributions import GridCounts
from stage2_rerank.picks_report.run_measures import (
    FEATURE_DISTANCE,
    candidate_columns,
    feature_distance,
    measures_over_volume,
)
from stage2_rerank.picks_report.training_summary import TrainingSummary, threshold_grid
from stage2_rerank.report.run_drift import RunTables
from stage2_rerank.thresholds.final_picks import final_picks, suppressed


@dataclass(frozen=True)
class PickedRun:
    """What is read of one run; ``candidates`` is SCORED_CANDIDATES, ``features`` is FEATURES."""

    name: str
    candidates: pd.DataFrame
    features: pd.DataFrame
    volume_cubic_angstrom: float


@dataclass(frozen=True)
class PickedRuns:
    """What is kept of all R runs.

    Parameters
    ----------
    volumes_cubic_angstrom : dict of str to float
        By run, all runs.
    picks : DataFrame
        Table PICKS.
    measured : DataFrame, (R, M), float64
        Measures by run; nan where a run has none.
    counts : dict of str to GridCounts
        Scores and features of all candidates against the training's quantiles, by particle type.
    above_thresholds : dict of str to ndarray, (P,), int64
        Candidates without duplicates above every threshold of the grid, by particle type.
    """

    volumes_cubic_angstrom: dict[str, float]
    picks: pd.DataFrame
    measured: pd.DataFrame
    counts: dict[str, GridCounts]
    above_thresholds: dict[str, NDArray[np.int64]]


def gather_runs(
    runs: Iterable[PickedRun],
    summary: TrainingSummary,
    thresholds: Mapping[str, float],
    rules: ScoringRules,
) -> PickedRuns:
    """Go through the runs.

    Parameters
    ----------
    runs : iterable of PickedRun
        One at a time is in memory, if it yields them so.
    summary : TrainingSummary
        What they are counted against.
    thresholds : mapping of str to float
        Kept is what scores above, by particle type.
    rules : ScoringRules
        Particle types and distances.

    Returns
    -------
    PickedRuns

    Raises
    ------
    InputError
        If a run has other features than the training runs, or a candidate has none.
    """
    quantiles = summary.quantiles()
    names = summary.column_names
    grid = threshold_grid()
    counts: dict[str, GridCounts] = {}
    above = {name: np.zeros(len(grid), dtype=np.int64) for name in rules.weights}
    volumes, picks, measured = {}, [PICKS.empty()], [pd.DataFrame(dtype=np.float64)]
    for run in runs:
        volumes[run.name] = run.volume_cubic_angstrom
        final = suppressed(run.candidates, "rerank_score", rules.suppression_angstrom)
        of_run = final_picks(final, "rerank_score", rules.suppression_angstrom, thresholds)
        counted = _counts(run, names, quantiles)
        for name, of_type in counted.items():
            counts[name] = counts[name] + of_type if name in counts else of_type
        for name, number in above.items():
            scores = np.sort(final.loc[final["particle_type"] == name, "rerank_score"].to_numpy())
            number += len(scores) - np.searchsorted(scores, grid, side="right")
        tables = RunTables((run.name,), run.candidates, of_run, features=run.features)
        row = measures_over_volume(tables, {run.name: run.volume_cubic_angstrom}, rules)
        measured.append(row.assign(**{FEATURE_DISTANCE: feature_distance(counted)}))
        picks.append(of_run)
    return PickedRuns(
        volumes, pd.concat(picks, ignore_index=True), pd.concat(measured), counts, above
    )


def _counts(
    run: PickedRun, names: list[str], quantiles: Mapping[str, NDArray[np.float32]]
) -> dict[str, GridCounts]:
    """Count scores and features of a run's candidates, by particle type that has some."""
    if run.candidates.empty or not quantiles:
        return {}
    columns = candidate_columns(run.candidates, run.features, names, f"features of run {run.name}")
    types = run.candidates["particle_type"].to_numpy()
    return {
        name: GridCounts.of(columns[types == name], of_type)
        for name, of_type in quantiles.items()
        if (types == name).any()
    }
