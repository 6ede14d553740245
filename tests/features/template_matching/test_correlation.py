"""Where templates are tried: a little beside a position, and beyond the border."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from features.template_matching import correlation
from features.template_matching.bank import TemplateBank, make_bank
from features.template_matching.correlation import correlations
from features.template_matching.missing_wedge import MissingWedge
from features.template_matching.orientations import even_quaternions
from tests.features.template_matching.made_structures import (
    HANDED,
    recorded,
    showing,
    structure_of_blobs,
)

SHAPE_ZYX = (44, 48, 46)
AT_ZYX = (20, 25, 23)
ORIENTATIONS = 40
TURNS = Rotation.from_quat(even_quaternions(ORIENTATIONS))


@pytest.fixture(scope="module")
def bank() -> TemplateBank:
    return make_bank(structure_of_blobs(HANDED), 10.0, MissingWedge(60), ORIENTATIONS)


@pytest.fixture(scope="module")
def values_zyx():
    shown = showing(structure_of_blobs(HANDED), TURNS[11], AT_ZYX, SHAPE_ZYX, 10.0)
    return recorded(shown, 10.0, MissingWedge(60))


@pytest.mark.parametrize("beside", [(1, 0, 0), (0, -1, 0), (0, 0, 1), (-1, 1, -1)])
def test_a_position_one_voxel_off_is_found_if_templates_are_tried_beside_it(
    bank, values_zyx, beside
):
    off = np.array([AT_ZYX], dtype=float) + beside
    still, tried = (correlations(values_zyx, off, bank, shift)[0] for shift in (0, 1))
    there = correlations(values_zyx, np.array([AT_ZYX], dtype=float), bank, 0)[0]
    assert tried[11] == pytest.approx(there[11], abs=1e-5)
    assert still[11] < tried[11] - 0.01


def test_it_is_found_in_noise(bank, values_zyx):
    noise = recorded(
        np.random.default_rng(0).normal(size=SHAPE_ZYX).astype(np.float32), 10.0, MissingWedge(60)
    )
    noisy = values_zyx + noise * values_zyx.std() * 2 / noise.std()
    found = correlations(noisy, np.array([AT_ZYX, (20, 8, 8)], dtype=float), bank, 1)
    assert found[0].argmax() == 11
    assert found[0].max() > found[1].max() + 0.1


def test_beyond_the_border_the_tomogram_is_mirrored(bank):
    rng = np.random.default_rng(0)
    values = rng.normal(size=SHAPE_ZYX).astype(np.float32)
    width = int(np.abs(bank.offsets_zyx).max()) + 1
    padded = np.pad(values, width, mode="reflect")
    corners = np.array([(0, 0, 0), (43, 47, 45), (2, 40, 45)], dtype=float)
    np.testing.assert_allclose(
        correlations(values, corners, bank, 1),
        correlations(padded, corners + width, bank, 1),
        atol=1e-6,
    )


def test_a_slab_thinner_than_a_template_is_mirrored_again_and_again(bank):
    thin = np.random.default_rng(0).normal(size=(5, 40, 40)).astype(np.float32)
    found = correlations(thin, np.array([[2.0, 20, 20]]), bank, 1)
    assert np.isfinite(found).all()
    assert np.abs(found).max() < 0.7


def test_positions_do_not_depend_on_one_another(bank, values_zyx):
    rng = np.random.default_rng(1)
    many = rng.uniform(0, 1, (70, 3)) * (np.array(SHAPE_ZYX) - 1)
    together = correlations(values_zyx, many, bank, 0)
    alone = np.concatenate([correlations(values_zyx, one[None], bank, 0) for one in many[60:]])
    np.testing.assert_allclose(together[60:], alone, atol=1e-5)


def test_cubes_of_a_large_particle_are_compared_fewer_at_a_time(bank, values_zyx, monkeypatch):
    many = np.random.default_rng(2).uniform(0, 1, (7, 3)) * (np.array(SHAPE_ZYX) - 1)
    together = correlations(values_zyx, many, bank, 1)
    monkeypatch.setattr(correlation, "TOGETHER_BYTES", 1)
    np.testing.assert_allclose(correlations(values_zyx, many, bank, 1), together, atol=1e-5)


def test_nothing_is_like_an_empty_place(bank):
    found = correlations(np.zeros(SHAPE_ZYX, np.float32), np.array([AT_ZYX], dtype=float), bank, 1)
    np.testing.assert_array_equal(found, 0)
    assert correlations(np.zeros(SHAPE_ZYX, np.float32), np.empty((0, 3)), bank, 1).shape == (0, 40)
