"""Distances against a grid of quantiles, beside those of all values."""

import numpy as np
import pytest
from scipy.stats import ks_2samp

from stage2_rerank.picks_report.distributions import GRID_POINTS, GridCounts, quantiles_of


def column(values):
    return np.asarray(values, dtype=np.float32).reshape(-1, 1)


@pytest.mark.parametrize("shift", [0.0, 0.3, 2.0, -5.0])
def test_the_distance_is_that_of_all_values_less_a_grid_step_at_most(shift):
    rng = np.random.default_rng(0)
    these, those = rng.normal(size=400), rng.normal(size=300) + shift
    (found,) = GridCounts.of(column(those), quantiles_of(column(these))).distance()
    exact = ks_2samp(these, those).statistic
    assert exact - 1 / (GRID_POINTS - 1) - 1 / 400 <= found <= exact + 1 / 400


def test_shared_values_are_no_distance_from_themselves():
    ties = column([0.1] * 70 + [1 / 3] * 20 + [2.0] * 10)
    assert GridCounts.of(ties, quantiles_of(ties)).distance() == pytest.approx([0], abs=0.03)
    # 0.7 of the training values are 0.1, and none of these.
    (other,) = GridCounts.of(column([0.2] * 50), quantiles_of(ties)).distance()
    assert other == pytest.approx(0.7, abs=1 / (GRID_POINTS - 1))


def test_runs_that_are_counted_one_by_one_are_counted_together():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(90, 3)).astype(np.float32)
    grid = quantiles_of(rng.normal(size=(50, 3)).astype(np.float32))
    total = GridCounts.of(values[:20], grid) + GridCounts.of(values[20:], grid)
    assert total.rows == 90
    assert total.distance() == pytest.approx(GridCounts.of(values, grid).distance())
