"""Made tables of training runs and of other runs, whose differences are known."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from picking.files.tables import FEATURES, OUT_OF_FOLD, SCORED_CANDIDATES
from picking.scoring.folds import Folds
from picking.scoring.scoring_rules import ScoringRules
from stage2_rerank.picks_report.picked_runs import PickedRun, PickedRuns, gather_runs
from stage2_rerank.picks_report.training_summary import TrainingSummary
from stage2_rerank.summarise_training import summary_of
from stage2_rerank.thresholds.threshold_file import (
    RuleThresholds,
    Threshold,
    Thresholds,
    ThresholdSet,
    TypeThresholds,
)

RULES = ScoringRules(
    radius_angstrom={"A": 60.0, "B": 90.0},
    distance_multiplier=0.5,
    suppression_angstrom={"A": 48.0, "B": 72.0},
    weights={"A": 1.0, "B": 1.0},
    beta=4.0,
)
TRAINING_RUNS = tuple(f"t{number}" for number in range(12))
FOLDS = Folds(tuple(TRAINING_RUNS[k::4] for k in range(4)))
FEATURE_NAMES = [
    *(f"f{number}" for number in range(30)),
    "context_background_mean",
    "context_background_std",
]
VOLUME = 3e9  # Å³
CANDIDATES = 40  # of a type and run; a quarter of them are picks
Change = Callable[[pd.DataFrame], pd.DataFrame]


def thresholds() -> Thresholds:
    half = Threshold(value=0.5, fitted_fbeta=1.0)
    by_rule = RuleThresholds(curve=half, probability=half)
    one = ThresholdSet(stage1=by_rule, two_stage=by_rule)
    of_type = TypeThresholds(final=one, folds=(one,) * FOLDS.number)
    return Thresholds(rule="curve", beta=4.0, types=dict.fromkeys(RULES.weights, of_type))


def run_tables(run: str, seed: int, number: int = CANDIDATES) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Candidates with scores, and their features, of a run like all others."""
    rng = np.random.default_rng(seed)
    of_run = rng.normal(size=len(FEATURE_NAMES)) * 0.1
    rows = 2 * number
    candidates = pd.DataFrame(
        {
            "run": run,
            "candidate_id": np.arange(rows),
            "particle_type": np.repeat(["A", "B"], number),
            "x": 1000.0 * np.arange(rows),
            "y": 0.0,
            "z": 0.0,
            "proposal_score": rng.uniform(0.05, 0.9, rows),
            "rerank_score": np.tile(np.linspace(0.01, 0.66, number), 2)
            + rng.uniform(-0.005, 0.005, rows),
        }
    )
    values = rng.normal(size=(rows, len(FEATURE_NAMES))) + of_run
    values[:, -2:] = [0.01, 0.8] * (1 + of_run[-2:])  # one value for the whole run
    features = pd.concat(
        [candidates[FEATURES.column_names], pd.DataFrame(values, columns=FEATURE_NAMES)], axis=1
    )
    return (
        SCORED_CANDIDATES.check(candidates, "candidates"),
        FEATURES.check(features, "features"),
    )


def training_summary(runs: tuple[str, ...] = TRAINING_RUNS) -> TrainingSummary:
    tables = [run_tables(run, seed) for seed, run in enumerate(TRAINING_RUNS) if run in runs]
    out_of_fold = pd.concat([one for one, _ in tables], ignore_index=True)
    folds = Folds(tuple(tuple(run for run in fold if run in runs) for fold in FOLDS.folds))
    folds = Folds(tuple(fold for fold in folds.folds if fold))
    out_of_fold = out_of_fold.assign(fold=out_of_fold["run"].map(folds.fold_of), is_positive=False)
    return summary_of(
        OUT_OF_FOLD.check(out_of_fold[OUT_OF_FOLD.column_names], "out of fold"),
        pd.concat([one for _, one in tables], ignore_index=True),
        folds,
        thresholds(),
        dict.fromkeys(runs, VOLUME),
        RULES,
    )


def picked_runs(
    number: int,
    summary: TrainingSummary,
    *,
    candidates: Change = lambda table: table,
    features: Change = lambda table: table,
    only: str | None = None,
    volume: float = VOLUME,
) -> PickedRuns:
    """Other runs, r000, r001 ..., with changed tables; ``only`` names the one that is changed."""

    def run(name: str, seed: int) -> PickedRun:
        scored, of_run = run_tables(name, seed, round(CANDIDATES * volume / VOLUME))
        if only in (None, name):
            scored, of_run = candidates(scored), features(of_run)
        return PickedRun(name, scored, of_run, volume)

    runs = (run(f"r{place:03d}", 1000 + place) for place in range(number))
    return gather_runs(runs, summary, thresholds().final_values(), RULES)
