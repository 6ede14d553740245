"""Picks in the wrong places are noticed, with the likely cause."""

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from picking.data_in.plausible_picks import LIKELY_DARK, darkness, doubtful_picks
from picking.data_in.tomogram_size import TomogramSize

SHAPE_ZYX = (24, 60, 80)
VOXEL_ANGSTROM = 10.0
EXTENT_XYZ = (np.array(SHAPE_ZYX[::-1]) - 1) * VOXEL_ANGSTROM


@pytest.fixture(scope="module")
def places() -> NDArray[np.float64]:
    """Places of 40 particles, (40, 3) xyz Å; off the middle of every axis, z where x can be too."""
    rng = np.random.default_rng(0)
    return rng.uniform(0.1, 0.42, (40, 3)) * EXTENT_XYZ


@pytest.fixture(scope="module")
def size(places: NDArray[np.float64]) -> TomogramSize:
    values = np.random.default_rng(1).normal(0, 1, SHAPE_ZYX).astype(np.float32)
    z, y, x = np.rint(places[:, ::-1] / VOXEL_ANGSTROM).astype(int).T
    values[z, y, x] -= 5
    voxel_size = np.full(3, VOXEL_ANGSTROM)
    return TomogramSize(EXTENT_XYZ, float(values.size) * 1e3, voxel_size, values)


def table(positions: NDArray[np.float64], run: str = "R") -> pd.DataFrame:
    x, y, z = positions.T
    return pd.DataFrame({"run": run, "particle_type": "ball", "x": x, "y": y, "z": z})


def test_picks_on_particles_raise_no_doubt(places: NDArray[np.float64], size: TomogramSize) -> None:
    assert darkness(places, size) < LIKELY_DARK
    assert doubtful_picks(table(places), {"R": size}) == []


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        (lambda xyz: xyz / VOXEL_ANGSTROM, "they are given in voxels, not in Å"),
        (lambda xyz: xyz[:, ::-1], "x and z are swapped"),
        (lambda xyz: np.abs(xyz - EXTENT_XYZ * [0, 0, 1]), "z runs the other way"),
        (lambda xyz: np.abs(xyz - EXTENT_XYZ * [0, 1, 0]), "y runs the other way"),
    ],
)
def test_the_likely_cause_is_said(
    wrong, cause: str, places: NDArray[np.float64], size: TomogramSize
) -> None:
    (warning,) = doubtful_picks(table(wrong(places)), {"R": size})
    assert warning == (
        f"the picks of R are not where the tomogram is dark: they would be if {cause}"
    )


def test_positions_from_the_centre_are_noticed_where_some_are_inside() -> None:
    rng = np.random.default_rng(7)
    positions = rng.uniform(0.05, 0.95, (400, 3)) * EXTENT_XYZ
    values = rng.normal(0, 1, SHAPE_ZYX).astype(np.float32)
    z, y, x = np.rint(positions[:, ::-1] / VOXEL_ANGSTROM).astype(int).T
    values[z, y, x] -= 5
    size = TomogramSize(EXTENT_XYZ, float(values.size), np.full(3, VOXEL_ANGSTROM), values)
    (warning,) = doubtful_picks(table(positions - EXTENT_XYZ / 2), {"R": size})
    assert warning.endswith("they would be if they are measured from the tomogram's centre")


def test_bright_particles_are_noticed(places: NDArray[np.float64], size: TomogramSize) -> None:
    inverted = TomogramSize(
        size.extent_xyz_angstrom,
        size.volume_cubic_angstrom,
        size.voxel_size_xyz_angstrom,
        -size.smallest_zyx,
    )
    (warning,) = doubtful_picks(table(places), {"R": inverted})
    assert "they are bright; if particles are bright" in warning


def test_random_places_have_no_known_cause_and_runs_are_named_together(size: TomogramSize) -> None:
    rng = np.random.default_rng(5)
    runs = [f"R{number}" for number in range(7)]
    truth = pd.concat([table(rng.uniform(0, 1, (30, 3)) * EXTENT_XYZ, run) for run in runs])
    warnings = doubtful_picks(truth, dict.fromkeys(runs, size))
    assert any("check unit, axes and origin" in warning for warning in warnings)
    assert all(warning.count("R") <= 6 for warning in warnings)


def test_a_few_picks_say_nothing(places: NDArray[np.float64], size: TomogramSize) -> None:
    assert doubtful_picks(table(places[:5] / 10), {"R": size}) == []
