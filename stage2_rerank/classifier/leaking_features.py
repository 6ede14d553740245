"""Features that know more than they may: the run's identity, or the answer itself."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from picking.errors import InputError
from stage2_rerank.classifier.candidate_rows import SCORE_COLUMN, CandidateRows

# Two runs alike may be chance; a feature that only tells runs apart does so in all of them.
FEWEST_RUNS = 3

# Types with fewer positives may be told apart by luck.
FEWEST_TO_SUSPECT = 5

# Share of pairs of a positive and a negative that a feature orders rightly. A feature of the image
# may reach this for one type; in every type only the answer does.
SUSPICIOUS_ORDER = 0.999

# Types that stage 1's own score orders as well as this prove nothing: a feature may repeat it.
EASY_ORDER = 0.99

# In one type alone a feature may be that good by luck.
FEWEST_TYPES = 2


def refuse_leaking_features(rows: CandidateRows, is_positive: NDArray[np.bool_]) -> None:
    """Refuse tables with a feature that cannot have been measured on the tomogram alone.

    Two marks give one away. It has one value in each run, and not the same in all: then it names
    the run, and a classifier could learn how many particles which run has. Or it alone separates
    the positive candidates of every type that stage 1 finds hard: then it was made from the picks.

    Parameters
    ----------
    rows : CandidateRows
        Training candidates of all types, n of them.
    is_positive : ndarray, (n,), bool
        Which of them are positive.

    Raises
    ------
    InputError
        If there is such a feature.
    """
    features = rows.features.drop(columns=SCORE_COLUMN)
    for name in _naming_the_run(features, rows.candidates["run"]):
        raise InputError(
            f"feature {name}",
            "has one value in each run, so that it can only tell runs apart",
            "leave it out: nothing learnt from it would hold in a new run",
        )
    for name in _knowing_the_answer(rows, is_positive):
        raise InputError(
            f"feature {name}",
            "alone separates true from false candidates in every particle type that is hard",
            "see whether it was made from the picks of these runs; new runs have none",
        )


def _naming_the_run(features: pd.DataFrame, runs: pd.Series) -> list[str]:
    numbers = runs.groupby(runs).transform("size").to_numpy()
    features, runs = features[numbers > 1], runs[numbers > 1]
    if runs.nunique() < FEWEST_RUNS:
        return []
    by_run = features.groupby(runs.to_numpy(), sort=False)
    same_within = (by_run.max() == by_run.min()).all()
    differs = features.max() > features.min()
    return list(features.columns[(same_within & differs).to_numpy()])


def _knowing_the_answer(rows: CandidateRows, is_positive: NDArray[np.bool_]) -> list[str]:
    types = rows.candidates["particle_type"]
    score = list(rows.features.columns).index(SCORE_COLUMN)
    orders = []
    for name in types.unique():
        of_type = (types == name).to_numpy()
        positive = is_positive[of_type]
        if min(positive.sum(), (~positive).sum()) >= FEWEST_TO_SUSPECT:
            order = _order(rows.features[of_type].to_numpy(np.float64), positive)
            if order[score] < EASY_ORDER:
                orders.append(order)
    if len(orders) < FEWEST_TYPES:
        return []
    least = np.min(orders, axis=0)  # (F,)
    return list(rows.features.columns[least > SUSPICIOUS_ORDER])


def _order(values: NDArray[np.float64], positive: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of pairs that each column (n, F) orders rightly, either way round, (F,)."""
    ranks = rankdata(values, axis=0)
    pairs = positive.sum() * (~positive).sum()
    lowest = positive.sum() * (positive.sum() + 1) / 2
    rightly = (ranks[positive].sum(axis=0) - lowest) / pairs
    return np.asarray(np.maximum(rightly, 1 - rightly))
