import numpy as np
import pytest

from picking.structures.structure import Structure, centred


def test_a_structure_is_centred_on_its_mass_between_voxels_too():
    density = np.zeros((20, 30, 24), dtype=np.float32)
    density[3:5, 20, 7] = 1  # centre at 3.5, 20, 7
    density[10, 20, 7] = 0.5
    structure = centred(density, 4.0)
    cube = structure.density_zyx
    assert len(set(cube.shape)) == 1
    assert len(cube) % 2 == 1
    middle = len(cube) // 2
    mass = cube.sum(dtype=float)
    assert mass == pytest.approx(2.5, rel=1e-3)
    at = np.stack(np.indices(cube.shape), axis=-1).reshape(-1, 3)
    np.testing.assert_allclose((at * cube.reshape(-1, 1)).sum(axis=0) / mass, middle, atol=0.01)


def test_the_radius_holds_nearly_all_of_the_mass():
    z, y, x = np.indices((41, 41, 41)) - 20
    ball = (z**2 + y**2 + x**2 <= 15**2).astype(np.float32)
    assert centred(ball, 4.0).radius_angstrom == pytest.approx(60, abs=4)
    ball[20, 20, 40] = 1  # a speck far away
    assert centred(ball, 4.0).radius_angstrom == pytest.approx(60, abs=4)


def test_what_lies_below_0_counts_as_part_of_the_particle():
    density = np.zeros((9, 9, 9), dtype=np.float32)
    density[4, 4, 4] = 1
    density[4, 4, 7] = -1
    assert Structure(density, 10.0).radius_angstrom == 30
    density[4, 4, 7] = 0
    assert Structure(density, 10.0).radius_angstrom == 0
