"""How like the features of test runs are to those of training runs, beside what chance makes."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from picking.scoring.folds import Folds
from stage2_rerank.classifier.candidate_rows import feature_names


@dataclass(frozen=True)
class FeatureLikeness:
    """Kolmogorov-Smirnov distances, 0 (alike) to 1, of F features.

    Parameters
    ----------
    names : tuple of str
        The features, those that differ most first.
    distance : ndarray, (F,), float64
        Between the candidates of training runs and those of test runs, mean over the types.
    null_distance : ndarray, (F,), float64
        Likewise between two halves of the training runs, whose candidates also come from
        different networks; nan where a half has no candidates.
    """

    names: tuple[str, ...]
    distance: NDArray[np.float64]
    null_distance: NDArray[np.float64]


def feature_likeness(
    training: pd.DataFrame, test: pd.DataFrame, folds: Folds
) -> FeatureLikeness | None:
    """Compare every feature's distribution in training runs and in test runs.

    Parameters
    ----------
    training : DataFrame
        Table FEATURES of training runs, n rows.
    test : DataFrame
        Table FEATURES of test runs, none of them a training run.
    folds : Folds
        Folds of the training runs; the halves of the null are every second fold and the others.

    Returns
    -------
    FeatureLikeness or None
        None if no type has candidates on both sides.
    """
    names = np.array(feature_names(training), dtype=object)
    distance = mean_distance(training, test, names)
    if distance is None:
        return None
    one_half = training["run"].isin([run for fold in folds.folds[::2] for run in fold])
    null_distance = mean_distance(training[one_half], training[~one_half], names)
    if null_distance is None:
        null_distance = np.full(len(names), np.nan)
    order = np.argsort(-distance, kind="stable")
    return FeatureLikeness(
        tuple(str(name) for name in names[order]), distance[order], null_distance[order]
    )


def mean_distance(
    these: pd.DataFrame, those: pd.DataFrame, names: NDArray[np.object_]
) -> NDArray[np.float64] | None:
    """Kolmogorov-Smirnov distance of F features, (F,), mean over the types that both tables hold.

    Types are compared each for itself: a difference in how many candidates a type has is none of
    the features. None if the tables share no type.
    """
    shared = sorted(set(these["particle_type"]) & set(those["particle_type"]))
    if not shared or not len(names):
        return None
    by_type = [
        [
            # The p-value, which nobody reads, costs least by this method.
            ks_2samp(this, that, method="asymp").statistic
            for this, that in zip(
                these.loc[these["particle_type"] == name, list(names)].to_numpy(np.float64).T,
                those.loc[those["particle_type"] == name, list(names)].to_numpy(np.float64).T,
                strict=True,
            )
        ]
        for name in shared
    ]
    return np.asarray(np.mean(by_type, axis=0), dtype=np.float64)
