"""Picks in the wrong places are noticed, with the likely cause."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import zarr
from numpy.typing import NDArray

from picking.config import PipelineConfig
from picking.data_in.inventory import kaggle_picks, resolve
from picking.data_in.kaggle_picks import read_kaggle_picks
from picking.data_in.plausible_picks import LIKELY_DARK, darkness, doubtful_picks
from picking.data_in.tomogram_size import TomogramSize, averaged
from picking.files.ome_zarr import open_pyramid

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
        f"the picks of R are not where the tomogram is dark; they would be if {cause}"
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
        -size.coarse_zyx,
    )
    (warning,) = doubtful_picks(table(places), {"R": inverted})
    assert "are where the tomogram is bright" in warning


@pytest.mark.parametrize("picks_a_run", [4, 40])
def test_picks_in_voxels_fill_a_corner(
    picks_a_run: int, places: NDArray[np.float64], size: TomogramSize
) -> None:
    runs = [f"R{number}" for number in range(7)]
    truth = pd.concat([table(places[:picks_a_run] / VOXEL_ANGSTROM, run) for run in runs])
    (warning,) = doubtful_picks(truth, dict.fromkeys(runs, size))
    assert warning.startswith("the picks of R0, R1, R2, R3, R4 and 2 more fill a corner")


def test_a_few_picks_say_nothing(places: NDArray[np.float64], size: TomogramSize) -> None:
    assert doubtful_picks(table(places[:5] / 10), {"R": size}) == []


@pytest.mark.parametrize("seed", range(10))
def test_where_particles_are_lost_in_noise_there_is_no_alarm(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 1, SHAPE_ZYX).astype(np.float32)
    size = TomogramSize(EXTENT_XYZ, float(values.size), np.full(3, VOXEL_ANGSTROM), values)
    places = rng.uniform(0, 1, (30, 3)) * EXTENT_XYZ
    assert doubtful_picks(table(places), {"R": size}) == []


def test_a_hot_voxel_hides_nothing(places: NDArray[np.float64], size: TomogramSize) -> None:
    values = size.coarse_zyx.copy()
    values[3, 3, 3] = 1e4
    clipped = averaged(values, 1)
    assert clipped.max() < 10
    hot = replace(size, coarse_zyx=clipped)
    assert darkness(places, hot) < LIKELY_DARK


def test_blocks_are_averaged_and_short_sides_left() -> None:
    values = np.arange(1 * 4 * 6, dtype=np.float32).reshape(1, 4, 6)
    expected = values.reshape(1, 2, 2, 3, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(averaged(values, 2), expected, atol=0.1)


def test_the_samples_of_another_simulator_raise_no_alarm(shared) -> None:
    dataset = shared / "sample_kaggle"
    if not dataset.is_dir():
        pytest.skip("the sample is not beside the repository")
    config = resolve(PipelineConfig(dataset=dataset))
    for path in sorted((dataset / "train" / "static" / "ExperimentRuns").glob("*/*/*.zarr")):
        run = path.parts[-3]
        pyramid = open_pyramid(zarr.DirectoryStore(str(path)), str(path), 10.0)
        picks = read_kaggle_picks(
            kaggle_picks(dataset, run), run, [item.name for item in config.known_particles]
        )
        positions = [
            [point["location"][axis] for axis in "xyz"]
            for item in picks
            for point in json.loads(item.text)["points"]
        ]
        truth = table(np.array(positions), run)
        assert doubtful_picks(truth, {run: TomogramSize.of_pyramid(pyramid)}) == [], path
