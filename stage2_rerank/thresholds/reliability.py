"""Are probabilities frequencies? In particular where they decide, below 20 %."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

# Finer where candidates are kept or dropped, at F/17: 0.03 to 0.06.
BIN_EDGES = (0.0, 0.01, 0.02, 0.04, 0.07, 0.12, 0.2, 0.5, 1.0)
INTERVAL = 0.95


@dataclass(frozen=True)
class ReliabilityBin:
    """Candidates whose probability lies in (low, high].

    Parameters
    ----------
    low, high : float
        Ends of the bin; the first holds 0 as well.
    candidates, positives : int
        How many there are, and how many of them are positive.
    mean_probability : float
        Mean of their probabilities.
    frequency_interval_95 : tuple of float
        Exact interval of the frequency of positives (Clopper and Pearson 1934), as if candidates
        were independent.
    """

    low: float
    high: float
    candidates: int
    positives: int
    mean_probability: float
    frequency_interval_95: tuple[float, float]

    @property
    def frequency(self) -> float:
        """Share of the candidates that is positive."""
        return self.positives / self.candidates


def reliability(
    probability: NDArray[np.float64], is_positive: NDArray[np.bool_]
) -> list[ReliabilityBin]:
    """Set the frequency of positives against their probability, bin by bin.

    Parameters
    ----------
    probability : ndarray, (n,), float64
        Calibrated probabilities, 0 to 1.
    is_positive : ndarray, (n,), bool
        Which candidates are positive.

    Returns
    -------
    list of ReliabilityBin
        The bins that hold candidates.
    """
    bins = []
    for low, high in pairwise(BIN_EDGES):
        within = (probability > low) & (probability <= high)
        if low == BIN_EDGES[0]:
            within |= probability == low
        number, positives = int(within.sum()), int(is_positive[within].sum())
        if number:
            interval = binomtest(positives, number).proportion_ci(INTERVAL, method="exact")
            bins.append(
                ReliabilityBin(
                    low=low,
                    high=high,
                    candidates=number,
                    positives=positives,
                    mean_probability=float(probability[within].mean()),
                    frequency_interval_95=(interval.low, interval.high),
                )
            )
    return bins
