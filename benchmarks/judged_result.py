"""A finished result judged on the truth of its test runs: reading it, counts, frequencies."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from picking.config import PipelineConfig
from picking.config.stage2_rerank import ThresholdRule
from picking.errors import InputError
from picking.files.tables import (
    POSITION_COLUMNS,
    read_csv_exactly,
)
from picking.scoring.folds import Folds
from picking.scoring.metric import TEXT_COLUMNS
from picking.scoring.scoring_rules import ScoringRules
from picking.scoring.truth_matching import new_hits
from stage2_rerank.finished_result import FinishedResult
from stage2_rerank.thresholds.cross_validation import (
    CountsByRun,
    counts_by_run,
    each_run_left_out,
    nested_picks,
)
from stage2_rerank.thresholds.final_curve import final_curve
from stage2_rerank.thresholds.final_picks import final_picks, suppressed
from stage2_rerank.thresholds.jackknife import SCORE_RANGE, jackknife_interval
from stage2_rerank.thresholds.reliability import BIN_EDGES
from stage2_rerank.thresholds.threshold_file import SCORE_COLUMNS, Stage, Thresholds

# Near a threshold is what lies within this factor of it: there decisions fall.
NEAR = 2.0


@dataclass(frozen=True)
class JudgedResult:
    """One finished result and the truth of its test runs."""

    name: str
    config: PipelineConfig
    folds: Folds
    thresholds: Thresholds
    out_of_fold: pd.DataFrame
    training_truth: pd.DataFrame
    scored: pd.DataFrame
    truth: pd.DataFrame

    @property
    def rules(self) -> ScoringRules:
        """Types, radii and weights."""
        return ScoringRules.from_config(self.config)

    def counts(self, rule: ThresholdRule, stage: Stage) -> CountsByRun:
        """Count what the thresholds of all training runs find in the test runs."""
        thresholds = self.thresholds.model_copy(update={"rule": rule})
        picks = final_picks(
            self.scored,
            SCORE_COLUMNS[stage],
            self.rules.suppression_angstrom,
            thresholds.final_values(stage),
        )
        return counts_by_run(self.truth, picks, self.rules)

    def nested_counts(self, rule: ThresholdRule, stage: Stage) -> CountsByRun:
        """Count what the cross-validation found in the training runs."""
        thresholds = self.thresholds.model_copy(update={"rule": rule})
        picks = nested_picks(self.out_of_fold, self.folds, thresholds, stage, self.rules)
        return counts_by_run(self.training_truth, picks, self.rules)

    def best_fbeta(self, stage: Stage) -> dict[str, float]:
        """Find F-beta of every type at the best threshold of the test runs."""
        return {
            name: final_curve(
                self.scored, self.truth, name, SCORE_COLUMNS[stage], self.rules
            ).best_fbeta
            for name in self.rules.weights
        }


def read_judged(folder: Path, truth_csv: Path) -> JudgedResult:
    result = FinishedResult(folder)
    truth = read_csv_exactly(truth_csv, TEXT_COLUMNS, POSITION_COLUMNS)
    truth = truth.rename(columns={"experiment": "run"})[["run", "particle_type", *POSITION_COLUMNS]]
    scored = result.scored()
    seen = sorted(set(truth["run"]).intersection(result.folds.runs))
    if seen:
        raise InputError(
            truth_csv,
            f"holds training runs of {folder}: {', '.join(seen)}",
            "give the truth of runs that no model has learnt from",
        )
    unpicked = sorted(set(truth["run"]).difference(scored["run"]))
    if unpicked:
        raise InputError(
            truth_csv,
            f"holds runs that are no test runs of {folder}: {', '.join(unpicked)}",
            "give each result the truth of its own test runs",
        )
    return JudgedResult(
        folder.name,
        result.config,
        result.folds,
        result.thresholds,
        result.out_of_fold(),
        result.truth(),
        scored[scored["run"].isin(set(truth["run"]))].reset_index(drop=True),
        truth,
    )


def final_list(
    candidates: pd.DataFrame, truth: pd.DataFrame, thresholds: Thresholds, rules: ScoringRules
) -> pd.DataFrame:
    """Deduplicated candidates of judged runs with their probability, whether they hit, and t.

    Returns
    -------
    DataFrame
        Columns run, particle_type, probability, hit and threshold (by probability).
    """
    judged = candidates[candidates["run"].isin(truth["run"])]
    final = suppressed(judged, "rerank_score", rules.suppression_angstrom)
    by_probability = thresholds.model_copy(update={"rule": "probability"}).final_values()
    hits = new_hits(final, truth, rules.match_radius_angstrom, "rerank_score") > 0
    return pd.DataFrame(
        {
            "run": final["run"],
            "particle_type": final["particle_type"],
            "probability": final["rerank_score"].to_numpy(np.float64),
            "hit": hits,
            "threshold": final["particle_type"].map(by_probability).to_numpy(np.float64),
        }
    )


def frequency(rows: pd.DataFrame) -> dict[str, float | int | tuple[float, float]]:
    """Mean probability and frequency of hits of some rows, with an interval over their runs."""
    runs, of_run = np.unique(rows["run"].to_numpy(dtype=str), return_inverse=True)
    hits = np.bincount(of_run, rows["hit"].to_numpy(np.float64), len(runs))
    number = np.bincount(of_run, minlength=len(runs))
    interval = SCORE_RANGE
    if len(runs) > 1:
        left_out = each_run_left_out(len(runs))[1:]
        interval = jackknife_interval(
            hits.sum() / number.sum(), (left_out @ hits) / (left_out @ number), SCORE_RANGE
        )
    return {
        "candidates": len(rows),
        "predicted": float(rows["probability"].mean()),
        "true": float(rows["hit"].mean()),
        "true_interval_95": interval,
    }


def reliability_table(rows: pd.DataFrame) -> dict[str, dict]:
    """Near the thresholds, by type and together, then in bins of the probability."""
    probability = rows["probability"].to_numpy()
    threshold = rows["threshold"].to_numpy()
    near = rows[(probability > threshold / NEAR) & (probability <= threshold * NEAR)]
    parts = {f"near t, {name}": part for name, part in near.groupby("particle_type")}
    parts["near t, all types"] = near
    for low, high in pairwise(BIN_EDGES):
        parts[f"{low:g} to {high:g}"] = rows[(probability > low) & (probability <= high)]
    return {name: frequency(part) for name, part in parts.items() if len(part)}


def score_of(
    fbeta: NDArray[np.float64], types: Sequence[str], rules: ScoringRules
) -> NDArray[np.float64]:
    """Score, (...), of F-beta by type, (..., T)."""
    weight = np.array([rules.weights[name] for name in types])
    return fbeta @ weight / weight.sum()
