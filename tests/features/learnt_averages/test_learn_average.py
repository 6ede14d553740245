"""An average of picks in unknown orientations shows the particle, not only how wide it is."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from features.learnt_averages import learn_average as learning
from features.learnt_averages.fourier_average import fourier_average
from features.learnt_averages.learn_average import learn_average
from features.learnt_averages.picked_cubes import PickedCubes, cut_cubes
from features.learnt_averages.poses import Poses, best_poses
from features.learnt_averages.starts import by_chance, by_dark_mass
from features.template_matching.bank import make_bank
from features.template_matching.missing_wedge import MissingWedge
from features.template_matching.whitening import WhitenedTomogram
from tests.features.learnt_averages.made_picks import (
    RADIUS_ANGSTROM,
    SIDE,
    VOXEL_ANGSTROM,
    WEDGE,
    likeness,
    picks_of,
)
from tests.features.template_matching.made_structures import (
    HANDED,
    ROD,
    recorded,
    showing,
    structure_of_blobs,
)

STRUCTURE = structure_of_blobs(HANDED)


def test_the_average_shows_the_particle_where_the_spherical_mean_does_not():
    cubes = [picks_of(STRUCTURE, 16, 1.0, 0), picks_of(STRUCTURE, 14, 1.0, 1)]
    learnt = learn_average(cubes, RADIUS_ANGSTROM)
    spherical = fourier_average(cubes, by_chance(cubes, 5), RADIUS_ANGSTROM)
    found, base = likeness(learnt.average, STRUCTURE), likeness(spherical, STRUCTURE)
    assert found > 0.7
    assert found > base + 0.25


def test_picks_of_nothing_agree_less_than_picks_of_a_particle():
    noise, particles = picks_of(STRUCTURE, 12, 1e3, 0), picks_of(STRUCTURE, 12, 1.0, 0)
    fits = [learn_average([cubes], RADIUS_ANGSTROM).fit for cubes in (noise, particles)]
    assert fits[1] > fits[0] + 0.1


def test_the_same_picks_make_the_same_average_also_beside_a_run_without_any(monkeypatch):
    monkeypatch.setattr(learning, "ROUNDS", ((50, 60.0),))
    cubes = picks_of(STRUCTURE, 8, 1.0, 0)
    none = PickedCubes(cubes.values_nzyx[:0], VOXEL_ANGSTROM, WEDGE)
    first, again = (
        learn_average(runs, RADIUS_ANGSTROM).average for runs in ([cubes], [none, cubes])
    )
    np.testing.assert_array_equal(first.density_zyx, again.density_zyx)


def test_known_poses_give_the_particle_back_in_its_own_frame():
    rng = np.random.default_rng(0)
    turns = Rotation.random(12, rng=rng)
    shifts = rng.integers(-1, 2, (12, 3))
    cubes = PickedCubes(
        np.array(
            [
                recorded(
                    showing(STRUCTURE, turn, SIDE // 2 + shift, (SIDE,) * 3, VOXEL_ANGSTROM),
                    VOXEL_ANGSTROM,
                    WEDGE,
                )
                for turn, shift in zip(turns, shifts, strict=True)
            ]
        ),
        VOXEL_ANGSTROM,
        WEDGE,
    )
    poses = Poses(turns.as_matrix(), shifts, np.zeros(12, dtype=np.float32))
    average = fourier_average([cubes], [poses], RADIUS_ANGSTROM)
    side = len(average.density_zyx)
    own = showing(STRUCTURE, Rotation.identity(), np.full(3, side // 2), (side,) * 3, 10.0)
    own = -recorded(own, 10.0, MissingWedge())
    assert np.corrcoef(own.ravel(), average.density_zyx.ravel())[0, 1] > 0.95
    # Every frequency was recorded by some, and counts as much as one that all recorded.
    assert average.density_zyx.max() == pytest.approx(own.max(), rel=0.15)


def test_what_no_pick_recorded_is_left_out_also_where_picks_agree_wholly():
    cube = recorded(
        showing(STRUCTURE, Rotation.identity(), np.full(3, SIDE // 2), (SIDE,) * 3, VOXEL_ANGSTROM),
        VOXEL_ANGSTROM,
        WEDGE,
    )
    cubes = PickedCubes(np.array([cube, cube]), VOXEL_ANGSTROM, WEDGE)
    alike = Poses(np.array([np.eye(3)] * 2), np.zeros((2, 3), dtype=np.int64), np.zeros(2))
    average = fourier_average([cubes], [alike], RADIUS_ANGSTROM).density_zyx
    assert np.isfinite(average).all()
    assert average.max() > 0


def test_poses_are_found_again():
    cubes = picks_of(STRUCTURE, 6, 0.0, 3)
    poses = best_poses(cubes, make_bank(STRUCTURE, VOXEL_ANGSTROM, WEDGE, 600))
    expected = Rotation.random(6, rng=np.random.default_rng(3))
    angles = (Rotation.from_matrix(poses.turns).inv() * expected).magnitude()
    # With a wedge missing, now and then another turn fits as well.
    assert np.degrees(np.median(angles)) < 25
    assert poses.fits.min() > 0.5
    assert np.abs(poses.shifts_zyx).max() == 1


def test_a_rods_axis_is_found_in_its_dark_mass():
    rod = structure_of_blobs(ROD)
    cubes = picks_of(rod, 12, 0.0, 4)
    (poses,) = by_dark_mass([cubes], RADIUS_ANGSTROM)
    np.testing.assert_allclose(np.linalg.det(poses.turns), 1)
    turns = Rotation.random(12, rng=np.random.default_rng(4)).as_matrix()
    # The rod lies along z in its own frame; its longest axis is the last column.
    along = np.abs(np.einsum("ni,ni->n", turns[:, :, 2], poses.turns[:, :, 2]))
    assert np.median(along) > 0.95


def test_a_cube_at_the_border_is_mirrored():
    values = np.random.default_rng(0).normal(size=(40, 50, 60)).astype(np.float32)
    tomogram = WhitenedTomogram(values, WEDGE)
    cubes = cut_cubes(tomogram, 10.0, np.array([[1.2, 25.0, 30.4], [20, 25, 30]]), 60.0)
    assert cubes.values_nzyx.shape == (2, 23, 23, 23)
    assert cubes.values_nzyx[1, 11, 11, 11] == values[20, 25, 30]
    np.testing.assert_array_equal(cubes.values_nzyx[0, 10], values[0, 14:37, 19:42])
    np.testing.assert_array_equal(cubes.values_nzyx[0, 9], cubes.values_nzyx[0, 11])
