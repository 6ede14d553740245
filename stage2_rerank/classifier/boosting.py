"""LightGBM boosters that start from a given margin and grow together, averaged over seeds."""

import re
from typing import cast

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from picking.config import ClassifierSettings

# Few candidates a type (hundreds to thousands): more histogram bins cost time and fit noise.
MAX_BINS = 63

NO_FEATURE = "none"  # stands for the columns of a table that has none


def lightgbm_parameters(settings: ClassifierSettings, seed: int, threads: int) -> dict[str, object]:
    """LightGBM's parameters; the number of threads changes the time, never the result."""
    return {
        "objective": "binary",
        "learning_rate": settings.learning_rate,
        "num_leaves": settings.num_leaves,
        "min_child_samples": settings.min_child_samples,
        "feature_fraction": settings.feature_fraction,
        "bagging_fraction": settings.bagging_fraction,
        "bagging_freq": 1,
        "lambda_l2": settings.l2,
        "max_bin": MAX_BINS,
        "boost_from_average": False,
        "deterministic": True,
        "force_col_wise": True,
        "seed": seed,
        "num_threads": threads,
        "verbosity": -1,
    }


class GrowingBags:
    """Boosters of several seeds on the same candidates; grow them, then ask for their mean.

    Parameters
    ----------
    features : DataFrame, (n, F)
        Features of the candidates to learn from.
    is_positive : ndarray, (n,), bool
        Which of them are positive.
    start_margin : ndarray, (n,), float64
        Log odds that the trees correct.
    settings : ClassifierSettings
        Shape of the trees; how many there are is the caller's affair.
    seeds : sequence of int
        One booster for each.
    threads : int
        Threads of LightGBM; no part of the result.
    """

    def __init__(
        self,
        features: pd.DataFrame,
        is_positive: NDArray[np.bool_],
        start_margin: NDArray[np.float64],
        settings: ClassifierSettings,
        seeds: list[int],
        threads: int,
    ) -> None:
        self.threads = threads
        # Weighting the positives by w adds log w to the log odds that the trees aim at; starting
        # from there keeps the trees' sum a correction of the unweighted log odds.
        shifted_margin = start_margin + np.log(settings.positive_weight)
        weight = np.where(is_positive, settings.positive_weight, 1.0)
        values = features.to_numpy(dtype=np.float32)
        names = list(features.columns) or [NO_FEATURE]
        if not values.size:
            # LightGBM refuses an empty table; no tree is ever grown on this row.
            values, is_positive = np.zeros((1, len(names)), np.float32), np.zeros(1, bool)
            weight, shifted_margin = np.ones(1), np.zeros(1)
        self.boosters = []
        for seed in seeds:
            parameters = lightgbm_parameters(settings, seed, threads)
            if len(values) * settings.bagging_fraction < 1:
                # LightGBM fails on a bag without a row.
                parameters["bagging_freq"] = 0
            data = lgb.Dataset(
                values,
                is_positive.astype(np.float64),
                weight=weight,
                init_score=shifted_margin,
                feature_name=names,
                params=parameters,
            )
            self.boosters.append(lgb.Booster(parameters, data))

    def grow(self, trees: int) -> None:
        """Add up to that many trees to every booster: none where no split is allowed."""
        for booster in self.boosters:
            for _ in range(trees):
                booster.update()

    def correction(self, features: pd.DataFrame) -> NDArray[np.float64]:
        """Mean over the boosters of the sum of their trees, (n,), in log odds."""
        return mean_correction(self.boosters, features, self.threads)


def mean_correction(
    boosters: list[lgb.Booster], features: pd.DataFrame, threads: int
) -> NDArray[np.float64]:
    """Mean over the boosters of what their trees add to a candidate's log odds.

    Parameters
    ----------
    boosters : list of lightgbm.Booster
        Any number of trees each.
    features : DataFrame, (n, F)
        Features in the boosters' order.
    threads : int
        Threads of LightGBM.

    Returns
    -------
    ndarray, (n,), float64
    """
    values = features.to_numpy(dtype=np.float32)
    total = np.zeros(len(values))
    if not len(values):
        return total
    for booster in boosters:
        if booster.num_trees():
            # Of dense features; of sparse ones it would be a sparse matrix.
            total += cast(
                NDArray[np.float64],
                booster.predict(values, raw_score=True, num_threads=threads),
            )
    return total / max(len(boosters), 1)


def booster_text(booster: lgb.Booster) -> str:
    """LightGBM's own text of a booster, without the line that holds its number of threads."""
    return re.sub(r"\[num_threads: \d+\]\n", "", booster.model_to_string())
