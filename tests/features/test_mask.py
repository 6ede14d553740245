"""How far inside a mask candidates stand: sign, unit, and what counts where there is no edge."""

import numpy as np
import pytest

from features import mask as family
from features.mask import FARTHEST_ANGSTROM
from features.run_context import make_run_context
from features.subtomograms import make_resolution_levels
from picking.config import FeatureSettings
from picking.files.mask import Mask
from tests.features.made_data import (
    PARTICLES,
    SHAPE_ZYX,
    VOXEL_SIZE_ZYX,
    candidates_at,
    embedding_of,
    empty_maps,
)


def depths(positions: list[list[float]], mask: Mask | None) -> np.ndarray:
    candidates = candidates_at(positions, ["small"] * len(positions), [0.5] * len(positions))
    resolutions = make_resolution_levels(np.zeros(SHAPE_ZYX, np.float32), VOXEL_SIZE_ZYX, 1)
    context = make_run_context(
        candidates,
        empty_maps(),
        embedding_of(candidates),
        PARTICLES,
        resolutions,
        {},
        {},
        mask=mask,
    )
    measured = family.measure(context, FeatureSettings())
    assert list(measured) == [one.name for one in family.declared(FeatureSettings(), ())]
    return measured["mask_depth"]


def test_it_is_the_distance_to_the_edge_in_angstrom_and_negative_outside() -> None:
    inside = np.zeros(SHAPE_ZYX, dtype=bool)
    inside[:, :, 10:] = True  # the edge is at x = 95 Å
    inside[20:] = False  # and at z = 195 Å
    found = depths(
        [[140, 100, 100], [95.5, 100, 100], [60, 100, 100], [300, 100, 180], [300, 100, 230]],
        Mask(inside, VOXEL_SIZE_ZYX),
    )
    np.testing.assert_allclose(found, [45, 0.5, -35, 15, -35])


def test_voxels_need_not_be_cubes_of_ten_angstrom() -> None:
    inside = np.zeros((8, 8, 8), dtype=bool)
    inside[:, 4:] = True
    mask = Mask(inside, np.array([13.0, 14.0, 15.0]))
    np.testing.assert_allclose(depths([[15, 14 * 6, 13]], mask), [14 * 2.5])


@pytest.mark.parametrize("mask", [None, Mask(np.ones(SHAPE_ZYX, bool), VOXEL_SIZE_ZYX)])
def test_without_an_edge_all_is_deep_inside(mask: Mask | None) -> None:
    assert depths([[0, 0, 0], [200, 200, 100]], mask).tolist() == [FARTHEST_ANGSTROM] * 2
