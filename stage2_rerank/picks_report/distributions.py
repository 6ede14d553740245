"""Distributions as a grid of quantiles, and how far counted values are from them.

The training candidates are known by quantiles, which are small. Other candidates are only counted
against these, one run after the other, so that any number of runs takes the same memory.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Probabilities 0, 1/32 ... 1: a Kolmogorov-Smirnov distance is at most 0.03 greater than what the
# grid shows of it.
GRID_POINTS = 33
# The distance of fewer candidates from anything is mostly chance.
LEAST_CANDIDATES = 20


def probability_grid(points: int = GRID_POINTS) -> NDArray[np.float64]:
    """Probabilities of the quantiles, (Q,)."""
    return np.linspace(0, 1, points)


def quantiles_of(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Quantiles of F columns.

    Parameters
    ----------
    values : ndarray, (n, F), float32
        n > 0 rows.

    Returns
    -------
    ndarray, (F, Q), float32
        Rising; each is one of the values, so that a value that many rows share stays itself.
    """
    grid = np.quantile(values, probability_grid(), axis=0, method="inverted_cdf")
    return np.ascontiguousarray(grid.T, dtype=np.float32)


@dataclass(frozen=True)
class GridCounts:
    """How many of n rows lie below, or at most at, each of Q quantiles of F columns.

    Parameters
    ----------
    rows : int
        n.
    below, up_to : ndarray, (F, Q), int64
        Rows with a smaller value, and with a smaller or the same.
    """

    rows: int
    below: NDArray[np.int64]
    up_to: NDArray[np.int64]

    @classmethod
    def of(cls, values: NDArray[np.float32], quantiles: NDArray[np.float32]) -> "GridCounts":
        """Count rows, (n, F), against quantiles, (F, Q)."""
        columns = np.sort(values.T, axis=1)
        sides = [
            np.array(
                [
                    np.searchsorted(column, grid, side)
                    for column, grid in zip(columns, quantiles, strict=True)
                ],
                dtype=np.int64,
            ).reshape(quantiles.shape)
            for side in ("left", "right")
        ]
        return cls(len(values), sides[0], sides[1])

    def __add__(self, other: "GridCounts") -> "GridCounts":
        return GridCounts(
            self.rows + other.rows, self.below + other.below, self.up_to + other.up_to
        )

    def distance(self) -> NDArray[np.float64]:
        """Kolmogorov-Smirnov distance, (F,), from what the quantiles are of.

        Where many values are the same, the grid tells only a part of how far two shares of them
        differ: the distance is never too great.
        """
        probability = probability_grid(self.below.shape[1])
        more = self.below / self.rows - probability
        fewer = probability - self.up_to / self.rows
        return np.asarray(np.maximum(more, fewer).max(axis=1, initial=0.0), dtype=np.float64)
