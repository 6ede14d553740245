"""Summarise the training runs, so that the picks of other tomograms can be compared with them.

Writes training_summary.json: how the training runs spread in scores, picks and intensity, and how
the scores and features of their candidates are distributed. All scores and picks are out of fold.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from picking.command_line import command_parser, run_command
from picking.config import PipelineConfig, load_config
from picking.data_in.inventory import resolve
from picking.errors import InputError
from picking.files.picks_density import PicksDensity
from picking.files.tables import OUT_OF_FOLD
from picking.scoring.folds import Folds
from picking.scoring.scoring_rules import ScoringRules
from stage2_rerank.classifier.candidate_rows import feature_names, read_features
from stage2_rerank.picks_report.distributions import LEAST_CANDIDATES, GridCounts, quantiles_of
from stage2_rerank.picks_report.run_measures import (
    FEATURE_DISTANCE,
    PICKS_DENSITY,
    candidate_columns,
    feature_distance,
    measures_over_volume,
)
from stage2_rerank.picks_report.training_summary import (
    CUBE_CUBIC_ANGSTROM,
    SCORE_COLUMNS,
    Distribution,
    TrainingSummary,
    TypeSummary,
    distributions_of,
    threshold_grid,
)
from stage2_rerank.report.run_drift import (
    PICKS_A_RUN,
    MeasureFigures,
    RunTables,
    counting_noise,
    spread_of_runs,
)
from stage2_rerank.thresholds.cross_validation import nested_picks
from stage2_rerank.thresholds.final_picks import suppressed
from stage2_rerank.thresholds.threshold_file import Thresholds

# Of a run's distance, a median over many features: a handful of runs agree by luck in it.
DISTANCE_NOISE = 0.02


def summarise_training(
    config: PipelineConfig,
    folds_path: Path,
    out_of_fold_path: Path,
    thresholds_path: Path,
    density_path: Path,
    feature_paths: Sequence[Path],
    output: Path,
) -> TrainingSummary:
    """Read a training's tables, summarise them and write the summary.

    Parameters
    ----------
    config : PipelineConfig
        Resolved.
    folds_path, out_of_fold_path, thresholds_path, density_path : Path
        ``folds.json``, ``out_of_fold.parquet``, ``thresholds.json`` and ``picks_density.json``.
    feature_paths : sequence of Path
        ``features/{run}.parquet`` of the training runs.
    output : Path
        JSON file to write.

    Returns
    -------
    TrainingSummary

    Raises
    ------
    InputError
        If a file is missing, damaged or does not fit the others.
    """
    folds = Folds.read(folds_path)
    density = PicksDensity.read(density_path)
    lacking = sorted(set(folds.runs) - set(density.runs))
    if lacking:
        raise InputError(density_path, f"lacks the run {lacking[0]}", "import the data again")
    summary = summary_of(
        OUT_OF_FOLD.read(out_of_fold_path),
        read_features(feature_paths),
        folds,
        Thresholds.read(thresholds_path),
        {run: density.runs[run].volume_cubic_angstrom for run in folds.runs},
        ScoringRules.from_config(config),
    )
    summary.write(output)
    return summary


def summary_of(
    out_of_fold: pd.DataFrame,
    features: pd.DataFrame,
    folds: Folds,
    thresholds: Thresholds,
    volumes_cubic_angstrom: dict[str, float],
    rules: ScoringRules,
) -> TrainingSummary:
    """Summarise the training runs.

    Parameters
    ----------
    out_of_fold : DataFrame
        Table OUT_OF_FOLD of all types.
    features : DataFrame
        Table FEATURES of the same candidates.
    folds : Folds
        Folds by run.
    thresholds : Thresholds
        Thresholds of all types.
    volumes_cubic_angstrom : dict of str to float
        Volume of every run's tomogram, Å³.
    rules : ScoringRules
        Particle types and distances.

    Returns
    -------
    TrainingSummary
    """
    names = [*SCORE_COLUMNS, *feature_names(features)]
    columns = candidate_columns(out_of_fold, features, names, "features of the training runs")
    picks = nested_picks(out_of_fold, folds, thresholds, "two_stage", rules)
    final = suppressed(out_of_fold, "rerank_score", rules.suppression_angstrom)
    tables = RunTables(folds.runs, out_of_fold, picks, features=features)
    types, distances = {}, _RunDistances(out_of_fold["run"].to_numpy())
    for name in rules.weights:
        rows = np.flatnonzero(out_of_fold["particle_type"] == name)
        distributions: dict[str, Distribution] = {}
        if len(rows):
            quantiles = quantiles_of(columns[rows])
            distances.add(name, rows, columns, quantiles)
            null = _null_distance(columns[rows], out_of_fold["run"].to_numpy()[rows], folds)
            distributions = distributions_of(names, quantiles, null)
        of_type = picks[picks["particle_type"] == name]
        types[name] = TypeSummary(
            picks=_picks_in_cubes(of_type, folds.runs, volumes_cubic_angstrom),
            picks_over_threshold=_over_threshold(
                final[final["particle_type"] == name], sum(volumes_cubic_angstrom.values())
            ),
            distributions=distributions,
        )
    noise = counting_noise(tables, rules)
    noise[PICKS_DENSITY] = noise[PICKS_A_RUN] / _cubes(volumes_cubic_angstrom)
    noise[FEATURE_DISTANCE] = DISTANCE_NOISE
    measured = measures_over_volume(tables, volumes_cubic_angstrom, rules).assign(
        **{FEATURE_DISTANCE: [distances.of_run(run) for run in folds.runs]}
    )
    return TrainingSummary(
        runs=folds.runs,
        measures={
            str(name): spread_of_runs(values.to_numpy(np.float64), noise.get(str(name), 0.0))
            for name, values in measured.items()
        },
        types=types,
    )


class _RunDistances:
    """Distance of every training run's features from those of the others."""

    def __init__(self, runs: NDArray[np.object_]) -> None:
        self._runs = runs
        self._counts: dict[str, dict[str, GridCounts]] = {}
        self._rows: dict[str, int] = {}

    def add(
        self,
        particle_type: str,
        rows: NDArray[np.intp],
        columns: NDArray[np.float32],
        quantiles: NDArray[np.float32],
    ) -> None:
        """Count the candidates of one type, ``rows`` of ``columns``, run by run."""
        self._rows[particle_type] = len(rows)
        runs = self._runs[rows]
        for run in np.unique(runs.astype(str)):
            counts = GridCounts.of(columns[rows[runs == run]], quantiles)
            self._counts.setdefault(str(run), {})[particle_type] = counts

    def of_run(self, run: str) -> float:
        return feature_distance(self._counts.get(run, {}), self._rows)


def _null_distance(
    columns: NDArray[np.float32], runs: NDArray[np.object_], folds: Folds
) -> NDArray[np.float64]:
    """Distance of two halves of the training runs, (C,): every second fold, and the others."""
    one_half = np.isin(runs, [run for fold in folds.folds[::2] for run in fold])
    if min(one_half.sum(), (~one_half).sum()) < LEAST_CANDIDATES:
        return np.full(columns.shape[1], np.nan)
    return np.array(
        [
            # The p-value, which nobody reads, costs least by this method.
            ks_2samp(column[one_half], column[~one_half], method="asymp").statistic
            for column in columns.T
        ]
    )


def _picks_in_cubes(
    picks: pd.DataFrame, runs: Sequence[str], volumes_cubic_angstrom: dict[str, float]
) -> MeasureFigures:
    """How the picks of one type spread over the runs, in cubes of 100 nm."""
    counts = picks["run"].value_counts().reindex(list(runs), fill_value=0).to_numpy(np.float64)
    volumes = np.array([volumes_cubic_angstrom[run] for run in runs])
    poisson = float(np.sqrt(max(np.median(counts), 1.0)))
    return spread_of_runs(
        counts / volumes * CUBE_CUBIC_ANGSTROM, poisson / _cubes(volumes_cubic_angstrom)
    )


def _cubes(volumes_cubic_angstrom: dict[str, float]) -> float:
    """Volume of a usual run, in cubes of 100 nm."""
    return float(np.median(list(volumes_cubic_angstrom.values()))) / CUBE_CUBIC_ANGSTROM


def _over_threshold(final: pd.DataFrame, volume_cubic_angstrom: float) -> tuple[float, ...]:
    """Count the picks of one type in a cube of 100 nm above every threshold of the grid."""
    scores = np.sort(final["rerank_score"].to_numpy(np.float64))
    above = len(scores) - np.searchsorted(scores, threshold_grid(), side="right")
    return tuple(
        float(f"{count / volume_cubic_angstrom * CUBE_CUBIC_ANGSTROM:.5g}") for count in above
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command_parser(__doc__)
    parser.add_argument("--folds", type=Path, required=True, help="folds.json")
    parser.add_argument("--out-of-fold", type=Path, required=True, help="merged table")
    parser.add_argument("--thresholds", type=Path, required=True, help="thresholds.json")
    parser.add_argument("--density", type=Path, required=True, help="picks_density.json")
    parser.add_argument(
        "--features", type=Path, nargs="+", required=True, metavar="FILE", help="of training runs"
    )
    parser.add_argument("--output", type=Path, required=True, help="training_summary.json to write")
    arguments = parser.parse_args(argv)
    summary = summarise_training(
        resolve(load_config(arguments.config)),
        arguments.folds,
        arguments.out_of_fold,
        arguments.thresholds,
        arguments.density,
        arguments.features,
        arguments.output,
    )
    print(f"{len(summary.runs)} training runs in short: {arguments.output}")


if __name__ == "__main__":
    run_command(main)
