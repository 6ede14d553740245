"""A structure in a tomogram, turned by another library, is found by the bank's own turns."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from features.template_matching.bank import grid_stride, make_bank
from features.template_matching.correlation import correlations
from features.template_matching.missing_wedge import MissingWedge
from features.template_matching.orientations import even_quaternions
from features.template_matching.whitening import FINEST_ANGSTROM
from picking.structures.structure import Structure
from tests.features.template_matching.made_structures import (
    HANDED,
    mirrored,
    recorded,
    showing,
    structure_of_blobs,
)

HANDED_STRUCTURE = structure_of_blobs(HANDED)
ORIENTATIONS = 60
TURNS = Rotation.from_quat(even_quaternions(ORIENTATIONS))
WEDGES = [MissingWedge(), MissingWedge(60, "y"), MissingWedge(60, "x")]


def correlation_of(structure, turn, voxel_angstrom, wedge):
    """Correlations (O,) of the handed structure with a tomogram that shows a turned one."""
    side = int(560 / voxel_angstrom)
    shape, at = (side, side + 4, side + 2), (side // 2 - 2, side // 2, side // 2 + 3)
    values = showing(structure, turn, at, shape, voxel_angstrom)
    bank = make_bank(HANDED_STRUCTURE, voxel_angstrom, wedge, ORIENTATIONS)
    shown = recorded(values, voxel_angstrom, wedge)
    return correlations(shown, np.array([at], dtype=float), bank, 0)[0]


@pytest.mark.parametrize(
    "wedge", WEDGES, ids=lambda wedge: f"{wedge.tilt_range_degrees} {wedge.tilt_axis}"
)
@pytest.mark.parametrize("voxel_angstrom", [6.0, 10.0, 15.0])
def test_a_turned_structure_is_found_in_its_orientation(voxel_angstrom, wedge):
    found = correlation_of(HANDED_STRUCTURE, TURNS[7], voxel_angstrom, wedge)
    assert found.argmax() == 7
    assert found.max() > 0.99
    assert np.sort(found)[-2] < 0.8


def test_the_other_sense_of_turning_and_the_mirror_image_are_not_found():
    assert correlation_of(HANDED_STRUCTURE, TURNS[7].inv(), 10.0, MissingWedge())[7] < 0.5
    assert correlation_of(mirrored(HANDED_STRUCTURE), TURNS[7], 10.0, MissingWedge()).max() < 0.8


def test_a_wedge_that_the_tomogram_does_not_have_costs_likeness():
    right, wrong = WEDGES[1:]
    values = recorded(showing(HANDED_STRUCTURE, TURNS[3], (28,) * 3, (56,) * 3, 10.0), 10.0, right)
    found = [
        correlations(
            values, np.full((1, 3), 28.0), make_bank(HANDED_STRUCTURE, 10.0, wedge, ORIENTATIONS), 0
        )[0, 3]
        for wedge in (right, wrong)
    ]
    assert found[0] > found[1] + 0.1


def test_templates_have_mean_0_and_norm_1_and_are_dark():
    bank = make_bank(HANDED_STRUCTURE, 10.0, WEDGES[1], ORIENTATIONS)
    assert bank.templates.shape == (ORIENTATIONS, len(bank.offsets_zyx))
    np.testing.assert_allclose(bank.templates.mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(bank.templates, axis=1), 1, rtol=1e-5)
    ball = structure_of_blobs((((0, 0, 0), 1.0),), spread_angstrom=30)
    (template,) = make_bank(ball, 10.0, MissingWedge(), 1).templates
    assert template.argmin() == len(template) // 2


def test_templates_reach_a_little_beyond_the_structure():
    bank = make_bank(HANDED_STRUCTURE, 10.0, MissingWedge(), 1)
    reach = np.linalg.norm(bank.offsets_zyx, axis=1).max() * 10.0
    assert HANDED_STRUCTURE.radius_angstrom <= reach
    assert reach <= HANDED_STRUCTURE.radius_angstrom + FINEST_ANGSTROM


def test_the_same_structure_in_other_voxels_gives_the_same_templates():
    """Every second voxel of a smooth one: 10 Å instead of 5."""
    coarse = Structure(HANDED_STRUCTURE.density_zyx[::2, ::2, ::2], 10.0)
    assert len(coarse.density_zyx) % 2
    fine_bank, coarse_bank = (
        make_bank(structure, 10.0, MissingWedge(), 5) for structure in (HANDED_STRUCTURE, coarse)
    )
    points = [
        {tuple(point): number for number, point in enumerate(bank.offsets_zyx.tolist())}
        for bank in (fine_bank, coarse_bank)
    ]
    shared = sorted(points[0].keys() & points[1].keys())
    fine, coarsened = (
        bank.templates[:, [of[point] for point in shared]]
        for bank, of in zip((fine_bank, coarse_bank), points, strict=True)
    )
    assert (fine * coarsened).sum(axis=1).min() > 0.98


def test_noise_in_the_corners_of_a_wide_map_takes_no_memory():
    wide = np.zeros((121,) * 3, dtype=np.float32)
    wide[36:85, 36:85, 36:85] = HANDED_STRUCTURE.density_zyx
    clean = make_bank(HANDED_STRUCTURE, 10.0, MissingWedge(), 3)
    wide[0, 0, 0] = 0.1
    padded = make_bank(Structure(wide, 5.0), 10.0, MissingWedge(), 3)
    np.testing.assert_array_equal(clean.offsets_zyx, padded.offsets_zyx)
    assert (clean.templates * padded.templates).sum(axis=1).min() > 0.999


@pytest.mark.parametrize(
    ("voxel_angstrom", "stride"),
    [(6.0, 3), (10.0, 2), (10.012, 2), (10.4, 2), (10.6, 1), (15.0, 1), (25.0, 1)],
)
def test_templates_are_sampled_as_finely_as_the_finest_detail_asks_for(voxel_angstrom, stride):
    assert grid_stride(voxel_angstrom) == stride
