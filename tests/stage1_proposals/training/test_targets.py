import numpy as np
import pytest
from scipy.spatial import KDTree

from picking.config import ParticleType, PeakSettings
from picking.coordinates import angstrom_xyz_to_indices_zyx
from picking.files.score_maps import ScoreMaps
from picking.files.tables import POSITION_COLUMNS
from stage1_proposals.prediction.peaks import find_candidates
from stage1_proposals.training.targets import render_targets

VOXEL_SIZE = np.array([10.0, 10.0, 10.0])


@pytest.mark.parametrize("stride", [1, 2])
def test_target_peaks_at_the_pick_in_map_coordinates(stride: int) -> None:
    position_xyz = np.array([[153.0, 88.0, 71.0]])
    maps = render_targets([position_xyz], [30.0], (16, 24, 32), VOXEL_SIZE, stride)
    grid = np.indices(maps.shape[1:]).reshape(3, -1)
    centre_of_mass = (grid * maps[0].ravel()).sum(1) / maps[0].sum()
    expected = angstrom_xyz_to_indices_zyx(position_xyz, VOXEL_SIZE, stride)[0]
    np.testing.assert_allclose(centre_of_mass, expected, atol=0.05)


def test_types_have_maps_of_their_own_and_overlaps_join_by_maximum() -> None:
    close = np.array([[80.0, 80.0, 80.0], [90.0, 80.0, 80.0]])
    maps = render_targets([close, np.empty((0, 3))], [20.0, 20.0], (16, 16, 16), VOXEL_SIZE, 1)
    assert maps[0].max() == pytest.approx(1)
    assert maps[1].max() == 0


def test_a_pick_outside_the_volume_is_left_out() -> None:
    maps = render_targets([np.array([[-500.0, 80.0, 80.0]])], [20.0], (16, 16, 16), VOXEL_SIZE, 1)
    assert maps.max() == 0


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_peaks_of_the_targets_are_the_picks(stride: int) -> None:
    # What a perfect network would answer, read off as candidates: no offset along any axis.
    radius = 90.0
    rng = np.random.default_rng(0)
    lattice = np.stack(np.meshgrid(*[np.arange(1, 6)] * 3, indexing="ij"), -1).reshape(-1, 3)
    positions = lattice * 2 * radius + rng.uniform(-0.4, 0.4, lattice.shape) * radius
    shape = (int(6 * 2 * radius / 10 / stride),) * 3
    voxel_size = np.array([10.012444] * 3)
    maps = render_targets([positions], [0.25 * radius], shape, voxel_size, stride)
    particle = ParticleType(name="any", label=1, radius_angstrom=radius)
    candidates = find_candidates(
        "run",
        ScoreMaps(maps, ("any",), stride, voxel_size),
        [particle],
        PeakSettings(),
        budget=len(positions),
    )
    found = candidates[POSITION_COLUMNS].to_numpy()
    distance, nearest = KDTree(found).query(positions)
    assert len(set(nearest)) == len(positions)
    assert distance.max() < 5
    assert np.abs((found[nearest] - positions).mean(axis=0)).max() < 0.5
