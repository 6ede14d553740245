"""Correlations with structures tell two species apart, and say nothing where there is none."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from features import averages, run_context, templates
from features.run_context import make_run_context
from features.subtomograms import make_resolution_levels
from features.template_matching import fits
from features.template_matching.missing_wedge import MissingWedge
from features.template_matching.orientations import even_quaternions
from picking.config import FeatureSettings
from tests.features.made_data import (
    PARTICLES,
    VOXEL_SIZE_ZYX,
    candidates_at,
    embedding_of,
    empty_maps,
)
from tests.features.template_matching.made_structures import (
    HANDED,
    ROD,
    recorded,
    showing,
    structure_of_blobs,
)

SHAPE_ZYX = (44, 130, 90)
SMALL, LARGE = (particle.name for particle in PARTICLES)
STRUCTURES = {SMALL: structure_of_blobs(ROD), LARGE: structure_of_blobs(HANDED)}
# Places of particles, zyx, by species; then one of noise.
PLACES = {SMALL: [(22, 22, 22), (22, 65, 66)], LARGE: [(20, 22, 66), (23, 65, 22)]}
NOISE_ZYX = (22, 108, 45)
SETTINGS = FeatureSettings(orientations=200)


@pytest.fixture(scope="module")
def values_zyx():
    rng = np.random.default_rng(0)
    values = rng.normal(0, 0.05, SHAPE_ZYX).astype(np.float32)
    tried = Rotation.from_quat(even_quaternions(SETTINGS.orientations))
    for name, places in PLACES.items():
        for place in places:
            # Between the orientations that are tried.
            beside = Rotation.from_rotvec([0, 10, 0], degrees=True)
            turn = beside * tried[int(rng.integers(SETTINGS.orientations))]
            values += showing(STRUCTURES[name], turn, place, SHAPE_ZYX, 10.0)
    return recorded(values, 10.0, MissingWedge(60))


def context_of(values_zyx, structures, shift_zyx=(0, 0, 0), averages=None):
    """Candidates of both types at every place: rows 0 to 4 small ones, 5 to 9 large ones."""
    places = [*PLACES[SMALL], *PLACES[LARGE], NOISE_ZYX]
    positions = (np.array([*places, *places]) + shift_zyx)[:, ::-1] * 10.0
    candidates = candidates_at(positions, [SMALL] * 5 + [LARGE] * 5, np.full(10, 0.5))
    return make_run_context(
        candidates,
        empty_maps(SHAPE_ZYX),
        embedding_of(candidates),
        PARTICLES,
        make_resolution_levels(values_zyx, VOXEL_SIZE_ZYX, 0),
        structures,
        averages or {},
    )


def test_species_are_told_apart_by_their_structures(values_zyx):
    measured = templates.measure(context_of(values_zyx, STRUCTURES, (0, 1, -1)), SETTINGS)
    names = [feature.name for feature in templates.declared(SETTINGS, [SMALL, LARGE])]
    assert list(measured) == names
    right, wrong, noise = [0, 1, 7, 8], [2, 3, 5, 6], [4, 9]
    for name in ("own_best", "own_over_mean", "margin", "margin_over_mean"):
        values = measured[f"templates_{name}"]
        assert values[right].min() > max(values[wrong].max(), values[noise].max()) + 0.05, name
    assert measured["templates_margin"][right].min() > 0
    assert measured["templates_margin"][wrong].max() < 0
    assert measured["templates_own_stand_out"][right].min() > 2
    for number, name in enumerate((SMALL, LARGE)):
        own = slice(5 * number, 5 * number + 5)
        np.testing.assert_array_equal(
            measured["templates_own_best"][own], measured[f"templates_{name}_best"][own]
        )


def test_an_average_is_compared_with_as_a_structure_is(values_zyx):
    swapped = {SMALL: STRUCTURES[LARGE], LARGE: STRUCTURES[SMALL]}
    context = context_of(values_zyx, swapped, averages=STRUCTURES)
    measured = averages.measure(context, SETTINGS)
    assert list(measured) == [f.name for f in averages.declared(SETTINGS, [SMALL, LARGE])]
    expected = templates.measure(context_of(values_zyx, STRUCTURES), SETTINGS)
    for name, values in measured.items():
        same = expected[name.replace("averages", "templates")]
        np.testing.assert_array_equal(values, same, err_msg=name)


def test_an_average_that_stands_in_for_a_structure_is_compared_with_once(values_zyx, monkeypatch):
    compared = []
    correlations = fits.correlations
    monkeypatch.setattr(
        fits, "correlations", lambda *args: compared.append(args) or correlations(*args)
    )
    own_average = {SMALL: structure_of_blobs(ROD)}
    standing_in = {**own_average, LARGE: STRUCTURES[LARGE]}
    context = context_of(values_zyx, standing_in, averages=own_average)
    of_structures = templates.measure(context, SETTINGS)
    assert len(compared) == 4  # own and rival candidates of either type
    of_averages = averages.measure(context, SETTINGS)
    assert len(compared) == 4
    np.testing.assert_array_equal(
        of_averages["averages_own_best"][:5], of_structures["templates_own_best"][:5]
    )
    templates.measure(context, FeatureSettings(orientations=40))
    assert len(compared) == 8


def test_results_do_not_depend_on_what_was_measured_before(values_zyx):
    first = templates.measure(context_of(values_zyx, STRUCTURES), SETTINGS)
    fits.BANKS.clear()
    again = templates.measure(context_of(values_zyx, STRUCTURES), SETTINGS)
    for name, values in first.items():
        np.testing.assert_array_equal(values, again[name])


def test_a_type_without_a_structure_has_zeros_and_is_no_rival(values_zyx):
    measured = templates.measure(context_of(values_zyx, {LARGE: STRUCTURES[LARGE]}), SETTINGS)
    for name, values in measured.items():
        if SMALL in name or "margin" in name:
            np.testing.assert_array_equal(values, 0, err_msg=name)
        elif "own" in name:
            np.testing.assert_array_equal(values[:5], 0, err_msg=name)
            assert np.abs(values[5:]).min() > 0, name
    assert measured[f"templates_{LARGE}_best"].min() > 0


def test_without_structures_nothing_is_measured_at_all(values_zyx, monkeypatch):
    monkeypatch.setattr(run_context, "whitened", None)
    measured = templates.measure(context_of(values_zyx, {}), SETTINGS)
    assert set(measured) == {f.name for f in templates.declared(SETTINGS, [SMALL, LARGE])}
    for values in measured.values():
        np.testing.assert_array_equal(values, np.zeros(10))


def test_a_given_tilt_range_is_used_instead_of_the_measured_one(values_zyx, monkeypatch):
    seen = []
    whitened = run_context.whitened
    monkeypatch.setattr(
        run_context, "whitened", lambda *args: seen.append(whitened(*args)) or seen[-1]
    )
    measured = [
        templates.measure(context_of(values_zyx, STRUCTURES), settings)["templates_own_best"]
        for settings in (
            FeatureSettings(orientations=40),
            FeatureSettings(orientations=40, tilt_range_degrees=30, tilt_axis="x"),
        )
    ]
    assert seen[0].wedge.tilt_axis == "y"
    assert seen[0].wedge.tilt_range_degrees == pytest.approx(60, abs=5)
    assert seen[1].wedge == MissingWedge(30, "x")
    assert np.abs(measured[0] - measured[1]).max() > 0.05
