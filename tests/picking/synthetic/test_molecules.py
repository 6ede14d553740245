"""Bead models of the molecules: symmetry, size, mass, and agreement with maps of the real ones."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation

from picking.synthetic.distractors import other_proteins
from picking.synthetic.molecules import Body, coat_frames, fill_symmetric, labelled_molecules
from picking.synthetic.random_streams import stream_for

MAPS = Path(__file__).parents[4] / "shared" / "maps_10A"
KDA_PER_MAP_UNIT = 1 / 28.4  # from the maps' own README
MAP_VOXEL_ANGSTROM = 10.0


def is_same_set(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two sets of points, (n, 3), are the same up to order."""
    distances, _ = KDTree(first).query(second)
    return bool(distances.max() < 1e-6)


@pytest.mark.parametrize(
    ("particle_type", "group"),
    [
        ("apo-ferritin", "O"),
        ("beta-amylase", "D2"),
        ("beta-galactosidase", "D2"),
    ],
)
def test_molecule_has_its_point_group(particle_type: str, group: str) -> None:
    beads = labelled_molecules()[particle_type].beads_xyz_angstrom
    for turn in Rotation.create_group(group):
        assert is_same_set(beads, turn.apply(beads))


def test_bodies_that_reach_into_their_mates_are_filled_once() -> None:
    ball = Body((4.0, 3.0, 0.0), (30.0, 30.0, 30.0))
    beads = fill_symmetric([ball], "D2", spacing_angstrom=4.0)
    distances, _ = KDTree(beads).query(beads, k=2)
    # Neighbours across the unit's border may be closer than the spacing, but none is doubled.
    assert distances[:, 1].min() > 0.1
    turns = Rotation.create_group("D2").apply(ball.centre_xyz_angstrom)
    reached = np.linalg.norm(beads[:, None] - turns, axis=-1).min(axis=1)
    assert reached.max() <= 30.0
    sphere = 4 / 3 * np.pi * 30.0**3
    assert sphere < len(beads) * 4.0**3 < 1.5 * sphere


def test_solvent_is_cut_out_of_all_mates() -> None:
    ball = Body((0.0, 0.0, 0.0), (30.0, 30.0, 30.0))
    hole = Body((15.0, 0.0, 0.0), (8.0, 8.0, 8.0))
    beads = fill_symmetric([ball], "C2", solvent=[hole])
    for centre in ([15.0, 0.0, 0.0], [-15.0, 0.0, 0.0]):
        assert np.linalg.norm(beads - centre, axis=1).min() > 8.0


def test_thyroglobulin_is_a_c2_dimer_and_no_more() -> None:
    beads = labelled_molecules()["thyroglobulin"].beads_xyz_angstrom
    assert is_same_set(beads, beads * [-1, -1, 1])
    assert not is_same_set(beads, beads * [1, -1, -1])


def test_virus_like_particle_has_180_subunits_in_icosahedral_symmetry() -> None:
    places, _ = coat_frames()
    assert len(places) == 180
    golden = (1 + np.sqrt(5)) / 2
    fivefold = np.array([0.0, 1.0, golden])
    fivefold /= np.linalg.norm(fivefold)
    threefold = np.ones(3) / np.sqrt(3)
    for axis, order in ((fivefold, 5), (threefold, 3), (np.array([0.0, 0.0, 1.0]), 2)):
        assert is_same_set(places, Rotation.from_rotvec(axis * 2 * np.pi / order).apply(places))


# Mass in kDa and longest extent in Å, from the literature cited at each builder. Spheroids are
# rounder than what they stand for, so that some reach a little further.
@pytest.mark.parametrize(
    ("particle_type", "mass_kda", "extent_angstrom"),
    [
        ("apo-ferritin", (480, 480), (115, 138)),
        ("beta-amylase", (224, 224), (95, 140)),
        ("beta-galactosidase", (465, 465), (155, 190)),
        ("ribosome", (3300, 4300), (250, 330)),
        ("thyroglobulin", (605, 605), (220, 265)),
        ("virus-like-particle", (2520, 3700), (270, 295)),
    ],
)
def test_mass_and_size(
    particle_type: str, mass_kda: tuple[float, float], extent_angstrom: tuple[float, float]
) -> None:
    molecule = labelled_molecules()[particle_type]
    assert mass_kda[0] - 0.1 <= molecule.mass_kda <= mass_kda[1] + 0.1
    # The greatest width over many directions is the longest extent.
    directions = stream_for(0, "directions").normal(0, 1, (500, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    widths = np.ptp(molecule.beads_xyz_angstrom @ directions.T, axis=0)
    assert extent_angstrom[0] <= widths.max() <= extent_angstrom[1]


@pytest.mark.parametrize("particle_type", ["apo-ferritin", "virus-like-particle"])
def test_shells_are_hollow(particle_type: str) -> None:
    molecule = labelled_molecules()[particle_type]
    radii = np.linalg.norm(molecule.beads_xyz_angstrom, axis=1)
    inner = radii < molecule.radius_angstrom / 3
    assert molecule.bead_mass_kda[inner].sum() < 0.01 * molecule.mass_kda


def test_ribosome_has_unequal_sides_and_apo_ferritin_has_not() -> None:
    def lopsidedness(particle_type: str) -> float:
        """Third moment, 0 for any body with two or more symmetry axes."""
        beads = labelled_molecules()[particle_type].beads_xyz_angstrom
        beads = beads - beads.mean(axis=0)
        radii = np.linalg.norm(beads, axis=1)
        return float(np.linalg.norm((radii[:, None] ** 2 * beads).mean(axis=0)) / (radii**3).mean())

    assert lopsidedness("ribosome") > 0.03
    assert lopsidedness("apo-ferritin") < 1e-9


def test_contrast_is_centred_on_the_origin() -> None:
    for molecule in labelled_molecules().values():
        centre = np.average(molecule.beads_xyz_angstrom, axis=0, weights=molecule.bead_weight_kda)
        assert np.abs(centre).max() < 0.5, molecule.name


def test_distractors_are_the_same_in_every_run_of_a_seed() -> None:
    first = other_proteins(stream_for(1, "distractors"))
    again = other_proteins(stream_for(1, "distractors"))
    other = other_proteins(stream_for(2, "distractors"))
    assert all(
        np.array_equal(a.beads_xyz_angstrom, b.beads_xyz_angstrom)
        for a, b in zip(first, again, strict=True)
    )
    assert [len(m.bead_mass_kda) for m in first] != [len(m.bead_mass_kda) for m in other]


def map_of(name: str) -> np.ndarray:
    """Density, kDa in each voxel, of a noise-free map centred on its mass."""
    path = MAPS / f"polnetsyn_{name}.mrc"
    if not path.exists():
        pytest.skip("the maps of the real molecules are not part of the project")
    mrcfile = pytest.importorskip("mrcfile", reason="mrcfile reads the maps")
    with mrcfile.open(path, permissive=True) as file:
        return np.asarray(file.data, dtype=np.float64) * KDA_PER_MAP_UNIT


def radii_of_map(density: np.ndarray) -> np.ndarray:
    centred = np.indices(density.shape).reshape(3, -1).T - (np.array(density.shape) - 1) / 2
    return np.linalg.norm(centred, axis=1) * MAP_VOXEL_ANGSTROM


def radius_of_gyration(density: np.ndarray) -> float:
    return float(np.sqrt(np.average(radii_of_map(density) ** 2, weights=density.ravel())))


@pytest.mark.parametrize(
    ("particle_type", "name"),
    [
        ("apo-ferritin", "8cpv"),
        ("beta-galactosidase", "6drv"),
        ("ribosome", "6qzp"),
        ("thyroglobulin", "7n4y"),
    ],
)
def test_radial_mass_agrees_with_the_map(particle_type: str, name: str) -> None:
    molecule, density = labelled_molecules()[particle_type], map_of(name)
    assert molecule.radius_of_gyration_angstrom == pytest.approx(
        radius_of_gyration(density), rel=0.05
    )
    # Share of the mass within each radius: the integral of the radial profile.
    bounds = np.arange(10.0, 180.0, 10.0)
    radii = np.linalg.norm(molecule.beads_xyz_angstrom, axis=1)
    ours = [molecule.bead_mass_kda[radii < b].sum() / molecule.mass_kda for b in bounds]
    map_radii, mass = radii_of_map(density), density.ravel()
    theirs = [mass[map_radii < b].sum() / mass.sum() for b in bounds]
    assert np.abs(np.subtract(ours, theirs)).max() < 0.11


def test_coat_has_the_subunit_area_of_the_map() -> None:
    # The map is of the T=4 capsid (240 subunits of 14 kDa): same area for each subunit.
    density = map_of("6n4v")
    assert density.sum() == pytest.approx(240 * 14.0, rel=0.02)
    molecule = labelled_molecules()["virus-like-particle"]
    radii = np.linalg.norm(molecule.beads_xyz_angstrom, axis=1)
    coat = radii > 108.0  # the RNA ends below
    ours = np.sqrt(np.average(radii[coat] ** 2, weights=molecule.bead_mass_kda[coat]))
    assert ours * np.sqrt(240 / 180) == pytest.approx(radius_of_gyration(density), rel=0.03)
