"""Specimens: nothing overlaps, all lies in the ice, labels are missed as annotators do."""

import numpy as np
import pytest
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation

from picking.config.synthetic import ParticleCounts, SyntheticSettings
from picking.synthetic.field import Field
from picking.synthetic.labels import draw_labels, missing_probability
from picking.synthetic.molecules import labelled_molecules
from picking.synthetic.placing import Placement
from picking.synthetic.random_streams import stream_for
from picking.synthetic.slab import draw_slab
from picking.synthetic.specimen import Specimen, draw_specimen

SETTINGS = SyntheticSettings(
    shape_zyx=(64, 128, 128), crowding=2.0, vesicles_per_full_field=20, gold_per_full_field=20
)
FIELD = Field(SETTINGS.shape_zyx, SETTINGS.voxel_size_angstrom)


@pytest.fixture(scope="module")
def specimen() -> Specimen:
    """Return a small and crowded specimen."""
    return draw_specimen(SETTINGS, FIELD, 0, stream_for(0, "TS_1_1"))


def test_no_two_molecules_overlap(specimen: Specimen) -> None:
    placements = specimen.placements
    assert len(placements) > 50
    beads = np.concatenate([p.beads_xyz_angstrom for p in placements])
    owner = np.repeat(
        np.arange(len(placements)), [len(p.molecule.bead_mass_kda) for p in placements]
    )
    closest = FIELD.voxel_size_angstrom * 0.9
    pairs = KDTree(beads).query_pairs(closest, output_type="ndarray")
    assert (owner[pairs[:, 0]] == owner[pairs[:, 1]]).all()


def test_nothing_is_placed_inside_a_shell(specimen: Specimen) -> None:
    centres = np.array([p.position_xyz_angstrom for p in specimen.placements])
    shells = [p for p in specimen.particles if p.molecule.name == "virus-like-particle"]
    for shell in shells:
        inside = np.linalg.norm(centres - shell.position_xyz_angstrom, axis=1) < 100.0
        assert inside.sum() == 1  # itself


def test_all_particles_lie_in_the_slab_and_the_slab_in_the_field(specimen: Specimen) -> None:
    slab = specimen.slab
    for placement in specimen.particles:
        z = placement.position_xyz_angstrom[2]
        middle = slab.middle_at(placement.position_xyz_angstrom[None, :2])[0]
        assert abs(z - middle) <= slab.thickness_angstrom / 2
    corners = np.array([[x, y] for x in (0, 1) for y in (0, 1)]) * FIELD.extent_xyz_angstrom[:2]
    for middle in slab.middle_at(corners):
        assert middle - slab.thickness_angstrom / 2 >= -1
        assert middle + slab.thickness_angstrom / 2 <= FIELD.extent_xyz_angstrom[2] + 1


def test_nothing_shows_at_two_sides_of_the_periodic_volume(specimen: Specimen) -> None:
    low = FIELD.padded_low_xyz_angstrom[:2]
    high = low + FIELD.padded_extent_xyz_angstrom[:2]
    for placement in specimen.placements:
        xy, radius = placement.position_xyz_angstrom[:2], placement.molecule.radius_angstrom
        # What crosses one side of the padded volume comes in at the other, within its margin.
        assert (xy - radius >= 2 * low).all()
        assert (xy + radius <= high - low).all()


def test_runs_differ_in_the_ice() -> None:
    slabs = [
        draw_slab(SETTINGS, FIELD, stream_for(0, run)) for run in ("TS_1_1", "TS_1_2", "TS_1_3")
    ]
    assert len({slab.thickness_angstrom for slab in slabs}) == 3
    assert len({slab.middle_z_angstrom for slab in slabs}) == 3


def test_rotations_are_uniform(specimen: Specimen) -> None:
    axes = np.array([p.rotation.apply([0.0, 0.0, 1.0]) for p in specimen.placements])
    spread = axes.T @ axes / len(axes)
    assert np.abs(spread - np.eye(3) / 3).max() < 4 / np.sqrt(45 / 4 * len(axes))


def test_counts_scale_with_the_area() -> None:
    only = ParticleCounts(
        apo_ferritin=100, beta_amylase=0, beta_galactosidase=0, ribosome=0, thyroglobulin=0,
        virus_like_particle=0,
    )  # fmt: skip
    nothing_else = {
        name: 0.0
        for name in SyntheticSettings.model_fields
        if name.endswith("_per_full_field") and name != "particles_per_full_field"
    }
    settings = SyntheticSettings(
        shape_zyx=(48, 315, 315), crowding=1.0, particles_per_full_field=only, **nothing_else
    )
    field = Field(settings.shape_zyx, settings.voxel_size_angstrom)
    numbers = []
    for run in range(8):
        drawn = draw_specimen(settings, field, 0, stream_for(0, f"run {run}")).particles
        positions = np.array([p.position_xyz_angstrom for p in drawn])
        inside = (positions[:, :2] >= 0) & (positions[:, :2] < field.extent_xyz_angstrom[:2])
        numbers.append(inside.all(axis=1).sum())
    # A quarter of the full field's area: 25 are expected, and Poisson's error of a mean of 8.
    assert np.mean(numbers) == pytest.approx(25, abs=4 * np.sqrt(25 / 8))


def many_apo_ferritins(number: int) -> list[Placement]:
    """Scatter placements over the field, overlap or not."""
    stream = stream_for(0, "scatter")
    molecule = labelled_molecules()["apo-ferritin"]
    return [
        Placement(
            molecule, stream.uniform(0, 1, 3) * FIELD.extent_xyz_angstrom, Rotation.identity()
        )
        for _ in range(number)
    ]


def test_labels_are_missed_mostly_at_the_border() -> None:
    high = FIELD.extent_xyz_angstrom[0] - FIELD.voxel_size_angstrom
    places = np.array([[0.0, 600.0, 300.0], [high, 600.0, 300.0], [50.0, 600.0, 300.0],
                       [600.0, 600.0, 0.0]])  # fmt: skip
    at_border = SETTINGS.label_missing_at_border_fraction
    inside = SETTINGS.label_missing_fraction
    expected = [at_border, at_border, (at_border + inside) / 2, inside]
    np.testing.assert_allclose(missing_probability(SETTINGS, FIELD, places), expected)


def test_picks_are_the_truth_with_jitter() -> None:
    particles = many_apo_ferritins(600)
    picks, truth = draw_labels(
        SETTINGS, FIELD, particles, stream_for(0, "labels"), labelled_molecules()
    )
    assert set(picks) == set(truth) == set(labelled_molecules())
    assert truth["ribosome"].shape == (0, 3)
    exact = np.array([p.position_xyz_angstrom for p in particles])
    distance, _ = KDTree(exact).query(truth["apo-ferritin"])
    assert distance.max() == 0
    assert 0.5 * len(particles) < len(truth["apo-ferritin"]) < len(particles)
    errors = picks["apo-ferritin"] - truth["apo-ferritin"]
    expected = SETTINGS.label_jitter_voxels * FIELD.voxel_size_angstrom
    assert errors.std() == pytest.approx(expected, rel=0.1)
    assert abs(errors.mean()) < expected / 5
