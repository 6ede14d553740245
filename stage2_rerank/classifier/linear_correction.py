"""A linear correction of log odds: what a few positives can already teach, before the trees."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.model_selection import GroupKFold

from picking.config import ClassifierSettings
from picking.config.strict_model import StrictModel
from stage2_rerank.classifier.feature_families import feature_family

# A value farther from the mean than this many standard deviations counts as this far: gold beads
# and the tomogram's faces lie tens of them away, and would outvote everything else.
FARTHEST_DEVIATIONS = 4.0

# Squares of deviations reach this at most: beyond 2.4 deviations a candidate is odd, and how far
# says no more.
LARGEST_SQUARE = 6.0

# Standard deviation, in log odds, of the shift that is expected before any candidate has been seen.
# The start is calibrated already.
INTERCEPT_SPREAD = 1.0


@dataclass(frozen=True)
class LinearPrior:
    """How large coefficients are expected to be before any candidate has been seen.

    Parameters
    ----------
    spread : ndarray, (F,), float64
        Standard deviation of each feature's coefficient, log odds per standard deviation.
    square_spread : ndarray, (F,), float64
        The same for the standardised square of the feature's deviation; 0: squares are not used.
    """

    spread: NDArray[np.float64]
    square_spread: NDArray[np.float64]

    @classmethod
    def from_settings(cls, settings: ClassifierSettings, names: Sequence[str]) -> Self:
        """Read the prior of features of these names, F of them, off the settings."""
        families = [feature_family(name) for name in names]
        scales = np.array([settings.scale_of_family(family) for family in families])
        square = 0.0 if settings.square_l2 is None else 1 / np.sqrt(settings.square_l2)
        return cls(scales / np.sqrt(settings.linear_l2), scales * square)


class LinearCorrection(StrictModel):
    """Correction = intercept + sum over the features of what each adds.

    A feature adds its coefficient times its deviation (value minus mean, in standard deviations)
    plus its square coefficient times the square of that: what is a particle lies in the middle of
    many features, with others on both sides of it.
    """

    means: tuple[float, ...] = Field(description="mean of each feature over the candidates")
    scales: tuple[float, ...] = Field(description="standard deviation of each; 1 if constant")
    coefficients: tuple[float, ...] = Field(description="log odds per standard deviation")
    square_means: tuple[float, ...] = Field(description="mean of each feature's square")
    square_coefficients: tuple[float, ...] = Field(description="log odds per squared deviation")
    intercept: float = Field(description="log odds")

    def correction(self, features: pd.DataFrame) -> NDArray[np.float64]:
        """Return what candidates' features (n, F) add to their log odds, (n,)."""
        return np.asarray(self.effects(features).sum(axis=1) + self.intercept)

    def effects(self, features: pd.DataFrame) -> NDArray[np.float64]:
        """Return what each feature adds to candidates' log odds, (n, F), without the intercept."""
        standardised = _standardised(features, np.array(self.means), np.array(self.scales))
        squares = _squares(standardised) - np.array(self.square_means)
        return np.asarray(
            standardised * np.array(self.coefficients)
            + squares * np.array(self.square_coefficients)
        )

    @property
    def sizes(self) -> NDArray[np.float64]:
        """How much each feature counts, (F,): its coefficients' sizes, summed."""
        return np.abs(self.coefficients) + np.abs(self.square_coefficients)


def _standardised(
    features: pd.DataFrame, means: NDArray[np.float64], scales: NDArray[np.float64]
) -> NDArray[np.float64]:
    deviations = (features.to_numpy(np.float64) - means) / scales
    return np.clip(deviations, -FARTHEST_DEVIATIONS, FARTHEST_DEVIATIONS)


def _squares(standardised: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.minimum(np.square(standardised), LARGEST_SQUARE)


def column_spreads(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take the standard deviation of each column, (F,); 1 if it is constant."""
    spread = values.std(axis=0)
    return np.where(spread > 0, spread, 1.0)


def no_correction(number_of_features: int) -> LinearCorrection:
    """Make the correction that changes nothing."""
    zeros = (0.0,) * number_of_features
    return LinearCorrection(
        means=zeros,
        scales=(1.0,) * number_of_features,
        coefficients=zeros,
        square_means=zeros,
        square_coefficients=zeros,
        intercept=0.0,
    )


def fit_linear_correction(
    features: pd.DataFrame,
    is_positive: NDArray[np.bool_],
    start_margin: NDArray[np.float64],
    prior: LinearPrior,
    positive_weight: float = 1.0,
) -> LinearCorrection:
    """Fit a logistic regression that starts from given log odds, with an L2 penalty.

    Maximum a posteriori: coefficients of standardised features and of their standardised squares
    have normal priors, so that without evidence nothing is corrected.

    Parameters
    ----------
    features : DataFrame, (n, F)
        Features of the candidates to learn from.
    is_positive : ndarray, (n,), bool
        Which of them are positive.
    start_margin : ndarray, (n,), float64
        Log odds that are corrected.
    prior : LinearPrior
        Of the F features.
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
    means, scales = values.mean(axis=0), column_spreads(values)
    standardised = _standardised(features, means, scales)  # (n, F)
    squares = _squares(standardised)
    square_means, square_scales = squares.mean(axis=0), column_spreads(squares)
    target = is_positive.astype(np.float64)
    weight = np.where(is_positive, positive_weight, 1.0)
    start = start_margin + np.log(positive_weight)
    # In units of the prior every coefficient is penalised alike, which is also what the search for
    # the minimum likes best.
    terms = standardised * prior.spread
    squares_count = bool(np.any(prior.square_spread > 0))
    if squares_count:
        square_terms = (squares - square_means) / square_scales * prior.square_spread
        terms = np.hstack([terms, square_terms])  # (n, 2F)
    terms = np.hstack([terms, np.full((len(values), 1), INTERCEPT_SPREAD)])

    def loss_and_gradient(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        log_odds = start + terms @ parameters
        residual = weight * (expit(log_odds) - target)
        penalty = parameters @ parameters / 2
        loss = weight @ (np.logaddexp(0, log_odds) - target * log_odds) + penalty
        return float(loss), terms.T @ residual + parameters

    fitted = minimize(loss_and_gradient, np.zeros(terms.shape[1]), jac=True, method="L-BFGS-B").x
    number = values.shape[1]
    square_coefficients = np.zeros(number)
    if squares_count:
        square_coefficients = fitted[number : 2 * number] * prior.square_spread / square_scales
    return LinearCorrection(
        means=tuple(means.tolist()),
        scales=tuple(scales.tolist()),
        coefficients=tuple((fitted[:number] * prior.spread).tolist()),
        square_means=tuple(square_means.tolist()),
        square_coefficients=tuple(square_coefficients.tolist()),
        intercept=float(fitted[-1] * INTERCEPT_SPREAD),
    )


def cross_fitted_correction(
    features: pd.DataFrame,
    is_positive: NDArray[np.bool_],
    start_margin: NDArray[np.float64],
    runs: Sequence[str] | NDArray[np.str_],
    folds: int,
    prior: LinearPrior,
    positive_weight: float = 1.0,
) -> NDArray[np.float64]:
    """Correct every candidate by a linear correction that was fitted on other runs.

    Boosting has to start from margins as uncertain as those of runs to come: a correction is
    flattered on the candidates that it was fitted on.

    Parameters
    ----------
    features, is_positive, start_margin, prior, positive_weight
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
            features.iloc[fit], is_positive[fit], start_margin[fit], prior, positive_weight
        )
        correction[judged] = linear.correction(features.iloc[judged])
    return correction
