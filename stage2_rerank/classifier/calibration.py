"""From a ranking score to a probability: a logistic curve that stands even without positives."""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.optimize import minimize
from scipy.special import expit, logit

from picking.config.strict_model import StrictModel

# Scores of exactly 0 and 1 have no logit. Half-precision score maps step by 5e-4 below 1 and by
# less near 0, so that this margin merges no two scores that were different.
SCORE_MARGIN = 1e-6

# Of a score: slope 1 is expected if the network is calibrated, give or take a factor of e (the unit
# of the logarithm). Decides only where there are few positives.
LOG_SLOPE_SPREAD = 1.0
# Of margins that stage 2 corrects or has corrected: give or take a third. By itself the score has
# slopes of 1 to 9, but what makes it so steep the features say as well, and better
# (docs/experiments.md#slopes-of-the-calibrations).
NARROW_LOG_SLOPE_SPREAD = 0.3

# A calibration may stretch a ranking but neither flatten nor turn it.
SLOPE_RANGE = (0.05, 20.0)


class LogisticCalibration(StrictModel):
    """Probability = logistic(slope * margin + intercept)."""

    slope: float = Field(1.0, ge=SLOPE_RANGE[0], description="stretch of the margin")
    intercept: float = Field(0.0, description="shift of the margin, log odds")

    def margin(self, raw_margin: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrated log odds, (n,), of raw margins, (n,)."""
        return self.slope * np.asarray(raw_margin, dtype=np.float64) + self.intercept

    def probability(self, raw_margin: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrated probability, (n,), of raw margins, (n,)."""
        return np.asarray(expit(self.margin(raw_margin)), dtype=np.float64)


def score_logit(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Log odds, (n,), of scores between 0 and 1, (n,); exact 0 and 1 stay finite."""
    clipped = np.clip(np.asarray(scores, dtype=np.float64), SCORE_MARGIN, 1 - SCORE_MARGIN)
    return np.asarray(logit(clipped), dtype=np.float64)


def fit_calibration(
    raw_margin: NDArray[np.float64],
    is_positive: NDArray[np.bool_],
    log_slope_spread: float = LOG_SLOPE_SPREAD,
) -> LogisticCalibration:
    """Fit the logistic curve from margins to the frequency of positives.

    Maximum a posteriori. Neither class may be empty, so an imagined positive stands beside the
    best candidate and an imagined negative beside the worst (the rule of succession; unlike
    Platt's softened targets it does not flatten the curve of a type that stage 1 separates well).
    The slope has a log-normal prior around 1.

    Parameters
    ----------
    raw_margin : ndarray, (n,), float64
        Log odds to be calibrated; n may be 0.
    is_positive : ndarray, (n,), bool
        Which candidates are positive.
    log_slope_spread : float
        Standard deviation of the logarithm of the slope before any candidate has been seen.

    Returns
    -------
    LogisticCalibration
    """
    margin = np.asarray(raw_margin, dtype=np.float64)
    positive = np.asarray(is_positive, dtype=bool)
    if not len(margin):
        return LogisticCalibration()
    observed_margin = np.append(margin, [margin.max(), margin.min()])
    target = np.append(positive.astype(np.float64), [1.0, 0.0])

    def loss_and_gradient(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        log_slope, intercept = parameters
        slope = np.exp(log_slope)
        log_odds = slope * observed_margin + intercept
        prior = (log_slope / log_slope_spread) ** 2 / 2
        loss = np.sum(np.logaddexp(0, log_odds) - target * log_odds) + prior
        residual = expit(log_odds) - target
        slope_gradient = slope * (residual @ observed_margin) + log_slope / log_slope_spread**2
        return float(loss), np.array([slope_gradient, np.sum(residual)])

    start = np.array([0.0, float(logit(np.mean(target))) - float(np.mean(margin))])
    fitted = minimize(
        loss_and_gradient,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[tuple(np.log(SLOPE_RANGE)), (None, None)],
    )
    # exp(log(x)) may fall short of x by a rounding.
    slope = float(np.clip(np.exp(fitted.x[0]), *SLOPE_RANGE))
    return LogisticCalibration(slope=slope, intercept=float(fitted.x[1]))
