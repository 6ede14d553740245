"""``training_summary.json``: what is known of the training runs, to set other runs beside them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from picking.config.strict_model import StrictModel
from picking.errors import InputError
from picking.files.json_models import StoredModel
from picking.files.tables import PROPOSAL_SCORE, REMAKE, RERANK_SCORE
from picking.files.whole_files import write_whole_text
from stage2_rerank.report.run_drift import MeasureFigures

# Scores and features are compared in the same way; the scores stand before the features.
SCORE_COLUMNS = (PROPOSAL_SCORE.name, RERANK_SCORE.name)
# Picks are counted in cubes of 100 nm, in which a crowded specimen has some ten of them.
CUBE_CUBIC_ANGSTROM = 1e9
# Below this probability, and ten times below every usual threshold, the counts say nothing.
LEAST_THRESHOLD = 0.003
THRESHOLD_POINTS = 61


def threshold_grid(points: int = THRESHOLD_POINTS) -> NDArray[np.float64]:
    """Thresholds that picks are counted at, (P,), rising evenly in their logarithm to 1."""
    return np.geomspace(LEAST_THRESHOLD, 1, points)


class Distribution(StrictModel):
    """One score or feature over the training candidates of one type."""

    quantiles: tuple[float, ...] = Field(
        min_length=2, description="at evenly spaced probabilities from 0 to 1; float32"
    )
    null_distance: float | None = Field(
        description="Kolmogorov-Smirnov distance of two halves of the training runs, parted by "
        "folds; null: a half has too few candidates"
    )


class TypeSummary(StrictModel):
    """One particle type."""

    picks: MeasureFigures = Field(description="nested picks in a cube of 100 nm, over the runs")
    picks_over_threshold: tuple[float, ...] = Field(
        description="picks in a cube of 100 nm above thresholds from 0.003 to 1, evenly spaced in "
        "their logarithm"
    )
    distributions: dict[str, Distribution] = Field(
        description="both scores, then every feature; empty: no training candidate"
    )


class TrainingSummary(StoredModel):
    """What later picks are compared with."""

    PROBLEM = "holds no summary of a training"
    IF_MISSING = "summarise the training first"

    runs: tuple[str, ...] = Field(description="training runs")
    measures: dict[str, MeasureFigures] = Field(
        description="of every run, with picks and scores that are out of fold"
    )
    types: dict[str, TypeSummary] = Field(description="by particle type")

    def write(self, path: Path) -> None:
        """Write as JSON, whole or not at all; in one line, as it is mostly long lists."""
        write_whole_text(path, self.model_dump_json() + "\n")

    @property
    def column_names(self) -> list[str]:
        """Both scores and the features that the training candidates have."""
        return next(
            (list(one.distributions) for one in self.types.values() if one.distributions), []
        )

    def quantiles(self) -> dict[str, NDArray[np.float32]]:
        """Quantiles of all columns, (C, Q), by particle type that has training candidates.

        Raises
        ------
        InputError
            If the types have other columns, or quantiles at other probabilities.
        """
        names = self.column_names
        grids = {}
        for particle_type, of_type in self.types.items():
            if not of_type.distributions:
                continue
            rows = [one.quantiles for one in of_type.distributions.values()]
            if list(of_type.distributions) != names or len({len(row) for row in rows}) > 1:
                raise InputError(
                    "training_summary.json", f"{particle_type} has other columns", REMAKE
                )
            # As float32 a written value is exactly what the candidates have.
            grids[particle_type] = np.array(rows, dtype=np.float32)
        return grids


def distributions_of(
    names: list[str], quantiles: NDArray[np.float32], null_distance: NDArray[np.float64]
) -> dict[str, Distribution]:
    """Put quantiles, (C, Q), and null distances, (C,), nan where unknown, into their model."""
    return {
        name: Distribution(
            # The shortest number that is read as the same float32.
            quantiles=tuple(float(str(value)) for value in row),
            null_distance=float(null) if np.isfinite(null) else None,
        )
        for name, row, null in zip(names, quantiles, null_distance, strict=True)
    }
