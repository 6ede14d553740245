"""Score maps, context and embedding of small runs with known values."""

import numpy as np
import pytest

from features import context, embedding, score_map, type_maps
from features.context import FAR_ANGSTROM
from features.run_context import logit, make_run_context
from features.subtomograms import make_resolution_levels
from picking.config import FeatureSettings
from picking.coordinates import indices_zyx_to_angstrom_xyz
from tests.features.made_data import (
    EMBEDDING_NAMES,
    PARTICLES,
    SHAPE_ZYX,
    STRIDE,
    VOXEL_SIZE_ZYX,
    candidates_at,
    embedding_of,
    empty_maps,
    map_voxel_position,
    noisy_run,
)

SETTINGS = FeatureSettings()
SMALL, LARGE = (particle.radius_angstrom for particle in PARTICLES)


def context_of(candidates, maps=None, values=None):
    if values is None:
        values = np.zeros(SHAPE_ZYX, dtype=np.float32)
    resolutions = make_resolution_levels(values, VOXEL_SIZE_ZYX, 1)
    return make_run_context(
        candidates, maps or empty_maps(), embedding_of(candidates), PARTICLES, resolutions, {}, {}
    )


@pytest.mark.parametrize("family", [score_map, context], ids=lambda family: family.__name__)
@pytest.mark.parametrize("number", [1, 2, 20])
def test_every_declared_feature_is_measured_and_finite(family, number):
    _, candidates, maps = noisy_run(number=number)
    names = [particle.name for particle in PARTICLES]
    measured = family.measure(context_of(candidates, maps), SETTINGS)
    assert sorted(measured) == sorted(f.name for f in family.declared(SETTINGS, names))
    for name, values in measured.items():
        assert values.shape == (number,), name
        assert np.isfinite(values).all(), name


def test_the_embedding_is_what_stage_1_has_read_off():
    candidates = candidates_at([[50, 60, 70], [80, 90, 100]], ["small", "large"], [0.5, 0.4])
    measured = embedding.measure(context_of(candidates.iloc[::-1]), SETTINGS)
    declared = embedding.declared(SETTINGS, EMBEDDING_NAMES)
    assert list(measured) == [feature.name for feature in declared]
    table = embedding_of(candidates)
    np.testing.assert_array_equal(
        measured["embedding_coarse_large_mean"], table["coarse_large_mean"]
    )


def gaussian_map(maps, number, centre_xyz, sigma_angstrom, height):
    """Draw a Gaussian peak into the map of one type."""
    shape = maps.scores_tzyx.shape[1:]
    indices = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1).reshape(-1, 3)
    positions = indices_zyx_to_angstrom_xyz(indices, VOXEL_SIZE_ZYX, STRIDE)
    squared = np.square(positions - centre_xyz).sum(axis=1)
    peak = height * np.exp(-0.5 * squared / sigma_angstrom**2)
    maps.scores_tzyx[number] += peak.reshape(shape).astype(np.float32)


def test_every_types_own_map():
    maps = empty_maps()
    centre = map_voxel_position((6, 12, 12))
    gaussian_map(maps, 1, centre, sigma_angstrom=30.0, height=0.8)
    candidates = candidates_at(
        [centre, centre + np.array([40, 0, 0])], ["large", "large"], [0.8, 0.4]
    )
    measured = type_maps.measure(context_of(candidates, maps), SETTINGS)
    assert measured["type_maps_large_centre"][0] == pytest.approx(0.8, abs=0.01)
    assert measured["type_maps_large_max"] == pytest.approx([0.8, 0.8], abs=0.01)
    assert measured["type_maps_small_max"] == pytest.approx([0, 0])


def test_form_of_a_peak():
    maps = empty_maps()
    centre = map_voxel_position((6, 12, 12))
    gaussian_map(maps, 1, centre, sigma_angstrom=30.0, height=0.8)
    candidates = candidates_at(
        [centre, centre + np.array([40, 0, 0])], ["large", "large"], [0.8, 0.4]
    )
    measured = score_map.measure(context_of(candidates, maps), SETTINGS)
    # Root mean square distance of a Gaussian of 0.3 radii, a little blurred by interpolation.
    assert measured["score_map_own_width"][0] == pytest.approx(np.sqrt(3) * 0.3, rel=0.1)
    assert measured["score_map_own_offset"] == pytest.approx([0, 0.4], abs=0.04)
    assert measured["score_map_own_curvature_xy"][0] > measured["score_map_own_curvature_xy"][1]
    assert measured["score_map_own_prominence"][0] == pytest.approx(0.8, abs=0.02)
    shells = [measured[f"score_map_own_shell_{shell}"][0] for shell in range(4)]
    assert shells == sorted(shells, reverse=True)


def test_margin_and_entropy_compare_the_types():
    maps = empty_maps()
    centre = map_voxel_position((6, 12, 12))
    gaussian_map(maps, 0, centre, 40.0, 0.6)
    gaussian_map(maps, 1, centre, 40.0, 0.6)
    here, away = centre, map_voxel_position((6, 4, 4))
    gaussian_map(maps, 0, away, 20.0, 0.9)
    candidates = candidates_at([here, away], ["large", "small"], [0.6, 0.9])
    measured = score_map.measure(context_of(candidates, maps), SETTINGS)
    assert measured["score_map_margin"][0] == pytest.approx(0, abs=1e-5)
    assert measured["score_map_entropy"][0] == pytest.approx(np.log(2), abs=1e-3)
    assert measured["score_map_margin"][1] > 5
    assert measured["score_map_entropy"][1] < 0.1


def test_ranks_are_within_the_type_and_break_ties_by_id():
    centre = map_voxel_position((6, 12, 12))
    types = ["small", "large", "small", "small", "large"]
    scores = [0.2, 0.9, 0.7, 0.7, 0.1]
    measured = score_map.measure(context_of(candidates_at([centre] * 5, types, scores)), SETTINGS)
    np.testing.assert_allclose(np.expm1(measured["score_map_rank"]), [2, 0, 0, 1, 1], atol=1e-5)
    np.testing.assert_allclose(measured["score_map_proposal_logit"], logit(np.array(scores)), 1e-6)
    to_best = logit(np.array([0.2])) - logit(np.array([0.7]))
    assert measured["score_map_logit_over_rank_1"][0] == pytest.approx(to_best[0], abs=1e-4)
    assert measured["score_map_logit_over_rank_5"][0] == pytest.approx(0)  # the last stands in


def test_logit_is_cut_off():
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()
    assert logit(np.array([0.5]))[0] == 0


def test_neighbours_by_hand():
    positions = [[200, 200, 100], [260, 200, 100], [200, 280, 100], [200, 200, 190]]
    types = ["small", "small", "large", "large"]
    scores = [0.5, 0.25, 0.8, 0.9]
    measured = context.measure(context_of(candidates_at(positions, types, scores)), SETTINGS)
    first = {name: values[0] for name, values in measured.items()}
    assert first["context_nearest_small_distance"] == pytest.approx(60)
    assert first["context_nearest_large_distance"] == pytest.approx(80)
    assert first["context_own_0_distance"] == pytest.approx(60 / SMALL)
    assert first["context_own_0_score"] == pytest.approx(0.25)
    assert first["context_own_1_distance"] == pytest.approx(FAR_ANGSTROM / SMALL)
    assert first["context_own_1_score"] == 0
    assert [first[f"context_number_{reach}"] for reach in (1, 2, 4)] == [0, 3, 3]
    # The larger one of the two holds the other's centre: both overlap, the better is the rival.
    assert first["context_rival_distance"] == pytest.approx(90)
    expected = logit(np.array([0.5])) - logit(np.array([0.9]))
    assert first["context_rival_margin"] == pytest.approx(expected[0], abs=1e-5)
    crowding = 0.25 * np.exp(-0.5 * (60 / (2 * SMALL)) ** 2)
    assert first["context_own_crowding"] == pytest.approx(crowding, rel=1e-5)


def test_a_lone_candidate_has_neutral_neighbours():
    measured = context.measure(
        context_of(candidates_at([[200, 200, 100]], ["small"], [0.5])), SETTINGS
    )
    assert measured["context_nearest_small_distance"][0] == FAR_ANGSTROM
    assert measured["context_nearest_large_distance"][0] == FAR_ANGSTROM
    assert measured["context_rival_distance"][0] == FAR_ANGSTROM
    assert measured["context_depth"][0] == 0
    assert measured["context_number_4"][0] == 0


def test_place_in_tomogram_and_slab():
    # x, y to 470 Å, z to 230 Å; nine confident candidates at 20, 45 ... 220 Å, a poor one below.
    z = np.append(20.0 + 25.0 * np.arange(9), 0.0)
    positions = np.stack([np.full(10, 30.0), np.full(10, 200.0), z], axis=1)
    scores = [0.9] * 9 + [0.01]
    candidates = candidates_at(positions, ["small"] * 10, scores)
    measured = context.measure(context_of(candidates), SETTINGS)
    np.testing.assert_allclose(measured["context_border_distance_xy"], 30)
    np.testing.assert_allclose(
        measured["context_border_distance_z"], np.minimum(z, 230 - z), atol=1e-4
    )
    np.testing.assert_allclose(measured["context_depth"][:9], np.arange(-4, 5) / 4, atol=1e-5)
    assert measured["context_depth_distance"][9] == pytest.approx(1.2)
    assert measured["context_surface_distance"][9] == pytest.approx(-20)


@pytest.mark.parametrize(("weights", "middle"), [((1, 1, 1), 120), ((8, 1, 1), 220)])
def test_the_slab_is_weighted_by_the_squares_of_the_scores(weights, middle):
    z = np.array([220.0, 20.0, 120.0])
    positions = np.stack([np.full(3, 30.0), np.full(3, 200.0), z], axis=1)
    scores = np.sqrt(np.array(weights) / 10)
    candidates = candidates_at(positions, ["small"] * 3, scores)
    measured = context.measure(context_of(candidates), SETTINGS)
    # Both faces are candidates' places, whatever the weights.
    np.testing.assert_allclose(measured["context_surface_distance"], [0, 0, 100], atol=1e-3)
    np.testing.assert_allclose(measured["context_depth"], (z - middle) / 100, atol=1e-5)


def test_background_is_local():
    values = np.zeros((24, 200, 200), dtype=np.float32)
    values[:, :100] = np.random.default_rng(0).normal(2, 1, (24, 100, 200))
    candidates = candidates_at([[1000, 100, 100], [1000, 1900, 100]], ["small"] * 2, [0.5, 0.5])
    measured = context.measure(context_of(candidates, empty_maps((24, 200, 200)), values), SETTINGS)
    assert measured["context_background_mean"] == pytest.approx([2, 0], abs=0.1)
    # Noise of the half-size tomogram, an average of eight voxels.
    assert measured["context_background_std"] == pytest.approx([8**-0.5, 0], abs=0.1)
