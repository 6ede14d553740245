"""Which runs are out of line: scores, picks, what is found and intensity, by robust z-scores."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from picking.config.strict_model import StrictModel
from picking.scoring.scoring_rules import ScoringRules
from stage2_rerank.classifier.calibration import score_logit
from stage2_rerank.thresholds.cross_validation import counts_by_run

# Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993): the modified z-score's limit.
# In few runs chance exceeds it as well: normal values of 8 runs in 1 of 45, those of another run
# against these 8 in 1 of 20; of 16 runs in 1 of 110 and 1 of 65.
Z_LIMIT = 3.5
# Of fewer runs the median and the spread say nothing.
FEWEST_RUNS = 4
# What makes the median absolute deviation, and the mean one, the standard deviation of a normal.
MEDIAN_DEVIATION_TO_SIGMA = 1.4826
MEAN_DEVIATION_TO_SIGMA = 1.2533

PROPOSAL_LOGIT = "median proposal logit"
RERANK_SCORE = "mean rerank score"
PICKS_A_RUN = "picks"
SHARE_FOUND = "references found"
# Of the whole tomogram's intensity, as far as the candidates stand for it.
BACKGROUND_FEATURES = {
    "background mean": "context_background_mean",
    "background spread": "context_background_std",
}


@dataclass(frozen=True)
class RunTables:
    """What is known of several runs.

    Parameters
    ----------
    runs : tuple of str
        The R runs, those without candidates among them; rows of other runs are passed over.
    candidates : DataFrame
        Table OUT_OF_FOLD or SCORED_CANDIDATES.
    picks : DataFrame
        Table PICKS: of training runs those that the fold's own thresholds keep.
    truth : DataFrame or None
        Table TRUTH; None for test runs.
    features : DataFrame or None
        Table FEATURES; None if they are not at hand.
    """

    runs: tuple[str, ...]
    candidates: pd.DataFrame
    picks: pd.DataFrame
    truth: pd.DataFrame | None = None
    features: pd.DataFrame | None = None


class MeasureFigures(StrictModel):
    """One measure over the training runs."""

    median: float | None = Field(description="null: no training run has a value")
    sigma: float | None = Field(
        description="robust standard deviation, 1.4826 times the median absolute deviation, but "
        "never less than counting noise; null: too few runs, or all alike"
    )


class DriftFigures(StrictModel):
    """One measure in one run."""

    value: float | None = Field(description="null: not to be measured in this run")
    z: float | None = Field(description="deviation from the training runs' median, in sigmas")
    flagged: bool = Field(description="whether it is out of line: |z| > 3.5")


class RunDrift(StrictModel):
    """All measures in all runs, beside how the training runs spread."""

    measures: dict[str, MeasureFigures]
    training: dict[str, dict[str, DriftFigures]] = Field(description="by run, then by measure")
    test: dict[str, dict[str, DriftFigures]] = Field(
        description="likewise of test runs, against the training runs' spread"
    )


def run_drift(training: RunTables, test: RunTables | None, rules: ScoringRules) -> RunDrift:
    """Measure every run and set it beside the training runs.

    Parameters
    ----------
    training : RunTables
        Training runs, out of fold.
    test : RunTables or None
        Test runs that are no training runs as well; None without any.
    rules : ScoringRules
        Radii and weights.

    Returns
    -------
    RunDrift
    """
    measured = measures_by_run(training, rules)
    noise = counting_noise(training, rules)
    figures = {
        str(name): spread_of_runs(values.to_numpy(np.float64), noise.get(str(name), 0.0))
        for name, values in measured.items()
    }
    test_measured = None if test is None else measures_by_run(test, rules)
    return RunDrift(
        measures=figures,
        training=_beside(measured, figures),
        test={} if test_measured is None else _beside(test_measured, figures),
    )


def outlying_first(runs: Mapping[str, Iterable[DriftFigures]]) -> list[str]:
    """Put the runs that are out of line first, the farthest out at the top, then all others."""

    def how_far_out(run: str) -> float:
        return max(
            (abs(one.z) for one in runs[run] if one.flagged and one.z is not None), default=0
        )

    return sorted(runs, key=how_far_out, reverse=True)


def measures_by_run(tables: RunTables, rules: ScoringRules) -> pd.DataFrame:
    """Measure every run.

    Parameters
    ----------
    tables : RunTables
        What is known of R runs.
    rules : ScoringRules
        Radii and weights; only types with a weight count as references.

    Returns
    -------
    DataFrame, (R, M), float64
        One column for each of the M measures that the tables allow; nan where a run has none.
    """
    runs = pd.Index(tables.runs)
    candidates = tables.candidates
    scored = pd.DataFrame(
        {
            "run": candidates["run"].to_numpy(),
            "logit": score_logit(candidates["proposal_score"].to_numpy()),
            "rerank_score": candidates["rerank_score"].to_numpy(np.float64),
        }
    ).groupby("run")
    measures = {
        PROPOSAL_LOGIT: scored["logit"].median().reindex(runs),
        RERANK_SCORE: scored["rerank_score"].mean().reindex(runs),
        PICKS_A_RUN: tables.picks["run"].value_counts().reindex(runs, fill_value=0),
    }
    if tables.truth is not None:
        found, references = _found(tables.truth, tables.picks, rules)
        measures[SHARE_FOUND] = (found / references.where(references > 0)).reindex(runs)
    if tables.features is not None:
        by_run = tables.features.groupby("run")
        for name, column in BACKGROUND_FEATURES.items():
            if column in tables.features:
                measures[name] = by_run[column].median().reindex(runs)
    return pd.DataFrame(measures, index=runs).astype(np.float64)


def _found(
    truth: pd.DataFrame, picks: pd.DataFrame, rules: ScoringRules
) -> tuple[pd.Series, pd.Series]:
    """Count the references hit, and all references, by run; of types with a weight."""
    counts = counts_by_run(truth, picks, rules)
    weighted = [rules.weights[name] > 0 for name in counts.particle_types]
    return (
        pd.Series(counts.hits[:, weighted].sum(axis=1), index=counts.runs, dtype=np.float64),
        pd.Series(counts.references[:, weighted].sum(axis=1), index=counts.runs, dtype=np.float64),
    )


def counting_noise(training: RunTables, rules: ScoringRules) -> dict[str, float]:
    """Return what runs differ by although nothing is different: the chance in their counts.

    A handful of runs can agree by luck in a count. Without this bound all others would be flagged.
    """
    of_run = training.candidates["run"].isin(training.runs)
    by_run = training.candidates[of_run].groupby("run")["rerank_score"]
    picks = training.picks["run"].value_counts().reindex(list(training.runs), fill_value=0)
    noise = {PICKS_A_RUN: float(np.sqrt(max(picks.median(), 1)))}  # Poisson
    if by_run.ngroups:
        # If the probabilities are right, so many positives more or less are chance.
        variance = by_run.apply(lambda probability: float((probability * (1 - probability)).sum()))
        noise[RERANK_SCORE] = float((np.sqrt(variance) / by_run.size()).median())
    if training.truth is not None:
        found, references = _found(training.truth, training.picks, rules)
        if references.sum() > 0:
            share, number = found.sum() / references.sum(), references[references > 0].median()
            binomial = np.sqrt(share * (1 - share) / number)
            noise[SHARE_FOUND] = float(max(binomial, 1 / number))
    return noise


def spread_of_runs(values: NDArray[np.float64], noise: float) -> MeasureFigures:
    """Find how one value a run spreads.

    Parameters
    ----------
    values : ndarray, (R,), float64
        One value a run, nan where there is none.
    noise : float
        What runs differ by although nothing is different; the spread is never less.
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return MeasureFigures(median=None, sigma=None)
    median = float(np.median(known))
    if len(known) < FEWEST_RUNS:
        return MeasureFigures(median=median, sigma=None)
    deviation = np.abs(known - median)
    sigma = MEDIAN_DEVIATION_TO_SIGMA * float(np.median(deviation))
    if sigma == 0 and noise == 0:
        # More than half of the runs are equal: the mean deviation is that of the others.
        sigma = MEAN_DEVIATION_TO_SIGMA * float(np.mean(deviation))
    sigma = max(sigma, noise)
    return MeasureFigures(median=median, sigma=sigma if sigma > 0 else None)


def _beside(
    measured: pd.DataFrame, figures: dict[str, MeasureFigures]
) -> dict[str, dict[str, DriftFigures]]:
    """Deviations of every run, in the measures that it and the training runs have."""
    return {
        str(run): {
            name: deviation_of(float(measured.loc[run, name]), figures[name])
            for name in measured.columns
            if name in figures
        }
        for run in measured.index
    }


def deviation_of(value: float, figures: MeasureFigures) -> DriftFigures:
    """Set one run's value, nan where it has none, beside the training runs."""
    if not np.isfinite(value):
        return DriftFigures(value=None, z=None, flagged=False)
    if figures.median is None or figures.sigma is None:
        return DriftFigures(value=value, z=None, flagged=False)
    z = (value - figures.median) / figures.sigma
    return DriftFigures(value=value, z=z, flagged=abs(z) > Z_LIMIT)
