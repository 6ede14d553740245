"""How well trees tell candidates of test runs from those of training runs: what names the network.

A training run is looked at by the network of its fold, a test run by all of them. Features that say
which network looked let trees tell the two apart, and stage 2 could lean on what is another thing
in test runs.
"""

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from picking.scoring.folds import Folds
from stage2_rerank.classifier.candidate_rows import feature_names
from stage2_rerank.classifier.linear_correction import column_spreads

# Enough to tell apart whatever a few hundred candidates of a network have in common.
TREES = 60
PARAMETERS: dict[str, object] = {
    "objective": "binary",
    "learning_rate": 0.1,
    "num_leaves": 15,
    "min_child_samples": 20,
    "feature_fraction": 0.5,
    "max_bin": 63,
    "deterministic": True,
    "force_col_wise": True,
    "seed": 0,
    "num_threads": 1,
    "verbosity": -1,
}


def told_apart_auc(training: pd.DataFrame, test: pd.DataFrame, folds: Folds) -> float | None:
    """Area under the ROC curve of trees that tell test candidates from training candidates.

    All runs are dealt into two halves, which share no run but every fold's network. Trees that
    learnt from one half are judged on the other, among candidates of one type.

    Parameters
    ----------
    training : DataFrame
        Table FEATURES of training runs.
    test : DataFrame
        Table FEATURES of test runs, none of them a training run.
    folds : Folds
        Folds of the training runs.

    Returns
    -------
    float or None
        0.5: not told apart; 1: always. None if no fold has two runs, or there is one test run.
    """
    half = _halves(folds, sorted(set(test["run"])))
    names = feature_names(training)
    both = pd.concat([training, test], ignore_index=True)
    is_test = np.arange(len(both)) >= len(training)
    of_half = both["run"].map(half).to_numpy(np.float64)  # nan: of a fold of one run
    types = both["particle_type"].to_numpy(str)
    values = _standardised_by_type(both[names].to_numpy(np.float64), types)
    areas, pairs = [], []
    for judged_half in (0, 1):
        learning, judged = of_half == 1 - judged_half, of_half == judged_half
        if len(np.unique(is_test[learning])) < 2 or not names:
            return None
        data = lgb.Dataset(values[learning], is_test[learning].astype(float), params=PARAMETERS)
        trees = lgb.train(PARAMETERS, data, TREES)
        for name in np.unique(types[judged]):
            rows = judged & (types == name)
            area, number = _area(np.asarray(trees.predict(values[rows])), is_test[rows])
            areas.append(area)
            pairs.append(number)
    return float(np.average(areas, weights=pairs)) if np.sum(pairs) else None


def _halves(folds: Folds, test_runs: list[str]) -> dict[str, int]:
    """Half, 0 or 1, of every test run and of every run of a fold with two or more."""
    shared = [sorted(fold) for fold in folds.folds if len(fold) > 1]
    return {run: place % 2 for runs in [*shared, test_runs] for place, run in enumerate(runs)}


def _standardised_by_type(
    values: NDArray[np.float64], types: NDArray[np.str_]
) -> NDArray[np.float64]:
    """Deviations from the type's mean, (n, F), in its standard deviations."""
    standardised = np.zeros_like(values)
    for name in np.unique(types):
        of_type = values[types == name]
        standardised[types == name] = (of_type - of_type.mean(axis=0)) / column_spreads(of_type)
    return standardised


def _area(scores: NDArray[np.float64], is_test: NDArray[np.bool_]) -> tuple[float, int]:
    """Share of the pairs in which the test candidate scores higher, and the number of pairs."""
    pairs = int(is_test.sum()) * int((~is_test).sum())
    return (float(roc_auc_score(is_test, scores)) if pairs else 0.0), pairs
