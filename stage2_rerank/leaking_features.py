"""Features that know more than they may: the run's identity, or the answer itself."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from picking.errors import InputError
from stage2_rerank.candidate_rows import SCORE_COLUMN, CandidateRows

# Two runs alike may be chance; a feature that only tells runs apart does so in all of them.
FEWEST_RUNS = 3

# Types with fewer positives may be told apart by luck.
FEWEST_POSITIVES = 5

# Share of pairs of a positive and a negative that a feature orders rightly. A feature of the image
# may reach this for a type that is easy; in every type only the answer does.
SUSPICIOUS_ORDER = 0.999


def refuse_leaking_features(rows: CandidateRows, is_positive: NDArray[np.bool_]) -> None:
    """Refuse tables with a feature that cannot have been measured on the tomogram alone.

    Two marks give one away. It has one value in each run, and not the same in all: then it names
    the run, and a classifier could learn how many particles which run has. Or it alone separates
    the positive candidates of every type: then it was made from the picks.

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
    for name in _knowing_the_answer(features, rows.candidates["particle_type"], is_positive):
        raise InputError(
            f"feature {name}",
            "alone separates true from false candidates in every particle type",
            "see whether it was made from the picks of these runs; new runs have none",
        )


def _naming_the_run(features: pd.DataFrame, runs: pd.Series) -> list[str]:
    by_run = features.groupby(runs.to_numpy(), sort=False)
    several = by_run.size() > 1
    if several.sum() < FEWEST_RUNS:
        return []
    spread = (by_run.max() - by_run.min())[several.to_numpy()]
    differs = features.max() > features.min()
    return list(features.columns[((spread == 0).all() & differs).to_numpy()])


def _knowing_the_answer(
    features: pd.DataFrame, types: pd.Series, is_positive: NDArray[np.bool_]
) -> list[str]:
    least_order = np.full(features.shape[1], np.nan)
    judged_types = 0
    for name in types.unique():
        of_type = (types == name).to_numpy()
        positive = is_positive[of_type]
        if min(positive.sum(), (~positive).sum()) < FEWEST_POSITIVES:
            continue
        judged_types += 1
        ranks = rankdata(features[of_type], axis=0)
        pairs = positive.sum() * (~positive).sum()
        lowest = positive.sum() * (positive.sum() + 1) / 2
        order = (ranks[positive].sum(axis=0) - lowest) / pairs
        least_order = np.fmin(least_order, np.maximum(order, 1 - order))
    if judged_types < 2:
        return []
    return list(features.columns[least_order > SUSPICIOUS_ORDER])
