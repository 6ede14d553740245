"""Mean subtomograms: particles add up, junk averages to nothing."""

import numpy as np
import pandas as pd
import pytest

from picking.files.tables import PICKS
from picking.files.tomogram import Tomogram
from stage2_rerank.picks_report.mean_subtomograms import (
    ALL_PICKS,
    MOST_AVERAGED,
    THIRDS,
    CubeGrid,
    MeanSubtomogram,
    by_thirds,
)

VOXEL = 10.0
RADIUS = 60.0


def picks(positions, scores=None):
    rows = [("r", "A", *position, 0.5) for position in positions]
    frame = PICKS.check(pd.DataFrame(rows, columns=PICKS.column_names), "picks")
    return frame if scores is None else frame.assign(score=scores)


def tomogram(balls):
    """Noise of spread 1 with dark balls, mean -2, at positions xyz Å between the voxels."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(40, 90, 100)).astype(np.float32)
    grid_xyz = np.stack(np.indices(values.shape)[::-1], axis=-1) * VOXEL
    for ball in balls:
        values[np.linalg.norm(grid_xyz - ball, axis=-1) <= RADIUS] -= 2
    return Tomogram("r", values, np.full(3, VOXEL))


PLACES = [(x + 3.7, y - 2.1, 204.4) for x in range(150, 900, 250) for y in range(150, 850, 220)]


def figures_of(places):
    mean = MeanSubtomogram(CubeGrid.of_radius(RADIUS, VOXEL))
    mean.add(tomogram(PLACES), picks(places))
    return mean, mean.figures("these", picks(places))


def test_particles_add_up_in_the_middle():
    mean, figures = figures_of(PLACES)
    assert figures.picks == len(PLACES) == 12
    assert 1.6 < figures.contrast < 2  # sampling between voxels blurs the rim
    cube = mean.mean_zyx
    middle = len(cube) // 2
    assert (
        cube[middle - 1 : middle + 2, middle - 1 : middle + 2, middle - 1 : middle + 2].mean()
        < -1.8
    )
    # The mean's dark mass lies in the middle of the cube, although no ball is on a voxel.
    dark = np.argwhere(cube < -1).mean(axis=0)
    assert dark == pytest.approx([middle] * 3, abs=0.3)


def test_junk_averages_to_nothing():
    between = [(x + 110, y + 100, z) for x, y, _ in PLACES[:8] for z in (80.0, 320.0)]
    mean, figures = figures_of(between)
    assert abs(figures.contrast) < 4 * figures.standard_error < 0.2
    assert np.abs(mean.mean_zyx).max() < 2  # of single values, 16 of them averaged


def test_a_pick_at_the_corner_counts_as_any_other():
    _, figures = figures_of([(0.0, 0.0, 0.0)])
    assert figures.picks == 1
    assert figures.standard_error is None


def test_thirds_go_by_probability():
    scores = np.linspace(0.1, 0.9, 10)
    thirds = by_thirds(picks([(0, 0, 0)] * 10, scores))
    assert list(thirds) == list(THIRDS)
    assert [list(third["score"].round(3)) for third in thirds.values()] == [
        [0.9, 0.811, 0.722],
        [0.633, 0.544, 0.456, 0.367],
        [0.278, 0.189, 0.1],
    ]
    assert list(by_thirds(picks([(0, 0, 0)] * 8))) == [ALL_PICKS]
    assert by_thirds(picks([])) == {}


def test_of_many_picks_a_part_is_averaged_from_all_over_the_third():
    thirds = by_thirds(picks([(0, 0, 0)] * 3000, np.linspace(0, 1, 3000)))
    for third, (low, high) in zip(
        thirds.values(), [(0.667, 1), (0.333, 0.667), (0, 0.333)], strict=True
    ):
        assert len(third) == MOST_AVERAGED
        assert (third["score"].min(), third["score"].max()) == pytest.approx((low, high), abs=1e-3)


def test_cubes_of_large_particles_stay_small():
    assert len(CubeGrid.of_radius(1000.0, VOXEL).offsets_angstrom) == 61
    assert len(CubeGrid.of_radius(60.0, VOXEL).offsets_angstrom) == 25
