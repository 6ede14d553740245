from pathlib import Path

import numpy as np
import pytest

from picking.config import SyntheticSettings
from picking.data_in.synthetic_names import run_names
from picking.errors import InputError
from picking.synthetic.molecules import labelled_molecules
from picking.synthetic.pretraining.make_specimen import NAME_OF_STREAM, make_specimen
from picking.synthetic.pretraining.procedural_molecules import (
    LARGEST_RADIUS_ANGSTROM,
    NUMBER_OF_MOLECULES,
    procedural_molecule,
)
from picking.synthetic.pretraining.specimen_file import PretrainingSpecimen
from picking.synthetic.pretraining.varied_settings import VOXEL_ANGSTROM, draw_variation
from picking.synthetic.random_streams import stream_for

SHAPE_ZYX = (64, 96, 96)
SEED = 3


@pytest.fixture(scope="module")
def specimens() -> list[PretrainingSpecimen]:
    return [make_specimen(SEED, number, shape_zyx=SHAPE_ZYX) for number in range(4)]


def test_a_specimen_is_the_same_whenever_it_is_made(specimens: list[PretrainingSpecimen]) -> None:
    again = make_specimen(SEED, 1, shape_zyx=SHAPE_ZYX)
    assert np.array_equal(again.tomograms_zyx, specimens[1].tomograms_zyx)
    assert np.array_equal(again.positions_xyz_angstrom, specimens[1].positions_xyz_angstrom)
    assert not np.array_equal(again.tomograms_zyx, specimens[2].tomograms_zyx)


def test_particles_are_inside_and_dark(specimens: list[PretrainingSpecimen]) -> None:
    of_particles, of_all = [], []
    for specimen in specimens:
        indices = np.rint(specimen.positions_xyz_angstrom / specimen.voxel_size_angstrom)
        indices_zyx = indices.astype(int)[:, ::-1]
        assert np.all((indices_zyx >= 0) & (indices_zyx < SHAPE_ZYX))
        # Hollow ones are dark around their centre.
        for z, y, x in indices_zyx:
            around = specimen.tomograms_zyx[
                0, max(z - 3, 0) : z + 4, max(y - 3, 0) : y + 4, max(x - 3, 0) : x + 4
            ]
            of_particles.append(float(around.astype(float).mean()))
        of_all.append(float(specimen.tomograms_zyx[0].astype(float).mean()))
    assert len(of_particles) > 20
    assert np.mean(of_particles) < np.mean(of_all) - 0.3


def test_specimens_hold_the_species_and_others(specimens: list[PretrainingSpecimen]) -> None:
    molecules = np.concatenate([specimen.molecules for specimen in specimens])
    species = len(labelled_molecules())
    assert (molecules < species).any()
    assert (molecules >= species).any()
    assert molecules.max() < species + NUMBER_OF_MOLECULES


def test_a_specimen_comes_back_from_its_file(
    specimens: list[PretrainingSpecimen], tmp_path: Path
) -> None:
    path = tmp_path / "0.npz"
    specimens[0].write(path)
    read = PretrainingSpecimen.read(path)
    assert np.array_equal(read.tomograms_zyx, specimens[0].tomograms_zyx)
    assert read.voxel_size_angstrom == specimens[0].voxel_size_angstrom
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match="remove it and pretrain again"):
        PretrainingSpecimen.read(path)


def test_voxels_and_microscopes_differ() -> None:
    drawn = [draw_variation(SHAPE_ZYX, stream_for(SEED, str(number))) for number in range(60)]
    voxels = np.array([one.settings.voxel_size_angstrom for one in drawn])
    assert VOXEL_ANGSTROM[0] <= voxels.min() < 8
    assert 13 < voxels.max() <= VOXEL_ANGSTROM[1]
    assert np.mean((voxels > 9.6) & (voxels < 10.4)) > 0.4
    for name in ("noise_strength", "tilt_max_degrees", "dose_per_tilt", "alignment_error_angstrom"):
        assert len({getattr(one.settings, name) for one in drawn}) == len(drawn)


def test_molecules_are_many_unlike_and_the_same_for_a_seed() -> None:
    molecules = [procedural_molecule(SEED, number) for number in range(24)]
    assert all(one.radius_angstrom <= LARGEST_RADIUS_ANGSTROM for one in molecules)
    shapes = np.array([(one.mass_kda, one.radius_of_gyration_angstrom) for one in molecules])
    assert len(np.unique(shapes.round(3), axis=0)) == len(molecules)
    again = procedural_molecule(SEED, 5)
    assert np.array_equal(again.beads_xyz_angstrom, molecules[5].beads_xyz_angstrom)
    other = procedural_molecule(SEED + 1, 5)
    assert other.beads_xyz_angstrom.shape != again.beads_xyz_angstrom.shape or not np.allclose(
        other.beads_xyz_angstrom, again.beads_xyz_angstrom
    )


def test_no_specimen_shares_its_random_numbers_with_a_run_that_is_judged() -> None:
    """The same seed, because the names alone have to keep the streams apart."""
    runs = {name for names in run_names(SyntheticSettings(), SEED) for name in names}
    assert not any(name.startswith(NAME_OF_STREAM) for name in runs)
    firsts = {
        float(stream_for(SEED, name).random())
        for name in [*runs, *(f"{NAME_OF_STREAM} {number}" for number in range(320))]
    }
    assert len(firsts) == len(runs) + 320
