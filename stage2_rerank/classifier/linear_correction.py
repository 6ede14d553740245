"""A linear correction of log odds: what a few positives can already teach, before the trees."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.model_selection import GroupKFold

from picking.config.strict_model import StrictModel

# A value farther from the mean than this many standard deviations counts as this far: gold beads
# and the tomogram's faces lie tens of them away, and would outvote everything else.
FARTHEST_DEVIATIONS = 4.0

# Standard deviation, in log odds, of the shift that is expected before any candidate has been seen.
# The start is calibrated already.
INTERCEPT_SPREAD = 1.0


class LinearCorrection(StrictModel):
    """Correction = intercept + sum over the features of coefficient * standardised value."""

    means: tuple[float, ...] = Field(description="mean of each feature over the candidates")
    scales: tuple[float, ...] = Field(description="standard deviation of each; 1 if constant")
    coefficients: tuple[float, ...] = Field(description="log odds per standard deviation")
    intercept: float = Field(description="log odds")

    def correction(self, features: pd.DataFrame) -> NDArray[np.float64]:
        """Return what candidates' features (n, F) add to their log odds, (n,)."""
        standardised = _standardised(features, np.array(self.means), np.array(self.scales))
        return np.asarray(standardised @ np.array(self.coefficients) + self.intercept)

    def effects(self, features: pd.DataFrame) -> NDArray[np.float64]:
        """Return what each feature adds to candidates' log odds, (n, F), without the intercept."""
        standardised = _standardised(features, np.array(self.means), np.array(self.scales))
        return np.asarray(standardised * np.array(self.coefficients))


def _standardised(
    features: pd.DataFrame, means: NDArray[np.float64], scales: NDArray[np.float64]
) -> NDArray[np.float64]:
    deviations = (features.to_numpy(np.float64) - means) / scales
    return np.clip(deviations, -FARTHEST_DEVIATIONS, FARTHEST_DEVIATIONS)


def no_correction(number_of_features: int) -> LinearCorrection:
    """Make the correction that changes nothing."""
    zeros = (0.0,) * number_of_features
    return LinearCorrection(
        means=zeros, scales=(1.0,) * number_of_features, coefficients=zeros, intercept=0.0
    )


def fit_linear_correction(
    features: pd.DataFrame,
    is_positive: NDArray[np.bool_],
    start_margin: NDArray[np.float64],
    l2: float,
    positive_weight: float = 1.0,
) -> LinearCorrection:
    """Fit a logistic regression that starts from given log odds, with an L2 penalty.

    Maximum a posteriori: coefficients of standardised features have a normal prior of variance
    1/l2, so that without evidence nothing is corrected.

    Parameters
    ----------
    features : DataFrame, (n, F)
        Features of the candidates to learn from.
    is_positive : ndarray, (n,), bool
        Which of them are positive.
    start_margin : ndarray, (n,), float64
        Log odds that are corrected.
    l2 : float
        Strength of the penalty.
    positive_weight : float
        Weight of a positive against a negative; the start is shifted to match, so that what is
        learnt stays a correction of the unweighted log odds.

    Returns
    -------
    LinearCorrection
        :func:`no_correction` if there are no candidates or no features.
    """
    if not features.size:
        return no_correction(features.shape[1])
    values = features.to_numpy(np.float64)
    means, spread = values.mean(axis=0), values.std(axis=0)
    scales = np.where(spread > 0, spread, 1.0)
    standardised = _standardised(features, means, scales)  # (n, F)
    target = is_positive.astype(np.float64)
    weight = np.where(is_positive, positive_weight, 1.0)
    start = start_margin + np.log(positive_weight)

    def loss_and_gradient(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        coefficients, intercept = parameters[:-1], parameters[-1]
        log_odds = start + standardised @ coefficients + intercept
        residual = weight * (expit(log_odds) - target)
        penalty = l2 * coefficients @ coefficients + (intercept / INTERCEPT_SPREAD) ** 2
        loss = weight @ (np.logaddexp(0, log_odds) - target * log_odds) + penalty / 2
        gradient = np.append(
            standardised.T @ residual + l2 * coefficients,
            residual.sum() + intercept / INTERCEPT_SPREAD**2,
        )
        return float(loss), gradient

    fitted = minimize(
        loss_and_gradient, np.zeros(values.shape[1] + 1), jac=True, method="L-BFGS-B"
    ).x
    return LinearCorrection(
        means=tuple(means.tolist()),
        scales=tuple(scales.tolist()),
        coefficients=tuple(fitted[:-1].tolist()),
        intercept=float(fitted[-1]),
    )


def cross_fitted_correction(
    features: pd.DataFrame,
    is_positive: NDArray[np.bool_],
    start_margin: NDArray[np.float64],
    runs: Sequence[str] | NDArray[np.str_],
    folds: int,
    l2: float,
    positive_weight: float = 1.0,
) -> NDArray[np.float64]:
    """Correct every candidate by a linear correction that was fitted on other runs.

    Boosting has to start from margins as uncertain as those of runs to come: a correction is
    flattered on the candidates that it was fitted on.

    Parameters
    ----------
    features, is_positive, start_margin, l2, positive_weight
        As for :func:`fit_linear_correction`.
    runs : sequence of str, (n,)
        Run of each candidate.
    folds : int
        Folds of runs; fewer if there are fewer runs.

    Returns
    -------
    ndarray, (n,), float64
        Zeros if there is one run alone.
    """
    correction = np.zeros(len(features))
    if len(np.unique(runs)) < 2:
        return correction
    splitter = GroupKFold(min(folds, len(np.unique(runs))))
    for fit, judged in splitter.split(features, is_positive, runs):
        linear = fit_linear_correction(
            features.iloc[fit], is_positive[fit], start_margin[fit], l2, positive_weight
        )
        correction[judged] = linear.correction(features.iloc[judged])
    return correction
