"""The luck of the judged runs: a t interval from what is left if each run is left out in turn.

A percentile bootstrap over eight runs, which is what one has, holds the truth in about 90 of 100
cases and not in 95: it draws no farther than the runs at hand, and knows nothing of how few they
are.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

Interval = tuple[float, float]

LEVEL = 0.95
SCORE_RANGE = (0.0, 1.0)
DIFFERENCE_RANGE = (-1.0, 1.0)


def jackknife_interval(
    value: float, left_out: NDArray[np.float64], possible: tuple[float, float]
) -> Interval:
    """95 % interval of a figure that is pooled over runs, with (runs - 1) degrees of freedom.

    Parameters
    ----------
    value : float
        The figure of all runs.
    left_out : ndarray, (R,), float64
        The figure without each run.
    possible : (float, float)
        Lowest and highest value that the figure can take; the interval is cut there.

    Returns
    -------
    (float, float)
        All of ``possible`` if there are fewer than two runs, which tell nothing of their luck.

    References
    ----------
    Tukey (1958). Bias and confidence in not-quite large samples (abstract). Annals of Mathematical
    Statistics 29, 614.
    """
    runs = len(left_out)
    if runs < 2:
        return possible
    return t_interval(value, jackknife_error(left_out), runs - 1, possible)


def jackknife_error(left_out: NDArray[np.float64]) -> float:
    """Take the standard error of a pooled figure from its values without each run, (R,)."""
    return float(np.sqrt((len(left_out) - 1) * np.var(left_out)))


def mean_interval(values: NDArray[np.float64], possible: tuple[float, float]) -> Interval:
    """95 % t interval of the mean of independent figures, (n,), with (n - 1) degrees of freedom.

    Returns
    -------
    (float, float)
        All of ``possible`` if there are fewer than two figures.
    """
    number = len(values)
    if number < 2:
        return possible
    error = float(np.std(values, ddof=1) / np.sqrt(number))
    return t_interval(float(np.mean(values)), error, number - 1, possible)


def t_interval(
    value: float, standard_error: float, degrees_of_freedom: float, possible: tuple[float, float]
) -> Interval:
    """95 % t interval of a figure, cut at what is possible."""
    reach = float(student_t.ppf((1 + LEVEL) / 2, degrees_of_freedom)) * standard_error
    low, high = possible
    return max(value - reach, low), min(value + reach, high)
