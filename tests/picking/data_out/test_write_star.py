"""STAR files: read again by starfile, by copick's own reader, and as RELION itself computes."""

import re

import numpy as np
import pandas as pd
import pytest
import starfile
from copick.util.formats import (
    read_star_particles_with_optics,
    relion_coordinates_to_angstrom,
)

from picking.data_out.relion_star import CENTRED, COLUMNS, VOXELS
from picking.data_out.write_star import main
from picking.errors import InputError
from picking.files.tables import POSITION_COLUMNS
from tests.conftest import TINY_SHAPE_ZYX, VOXEL_SIZE_ANGSTROM
from tests.picking.data_out.conftest import WITHOUT_PICKS, Written

SIZE_XYZ = np.array(TINY_SHAPE_ZYX[::-1])
# STAR files hold six digits after the point.
EXACT = {"rtol": 0, "atol": 1e-6}


def test_each_type_comes_back_with_names_positions_and_probabilities(
    write: Written, picks: pd.DataFrame
) -> None:
    folder = write(main)
    for name, of_type in picks.groupby("particle_type"):
        blocks = starfile.read(folder / f"{name}.star", always_dict=True)
        # The one table that RELION looks for by its name; optics it takes from tomograms.star.
        assert list(blocks) == ["particles"]
        particles = blocks["particles"]
        assert list(particles.columns) == COLUMNS
        assert particles["rlnTomoName"].tolist() == of_type["run"].tolist()
        np.testing.assert_allclose(particles["rlnAutopickFigureOfMerit"], of_type["score"], **EXACT)
        positions = of_type[POSITION_COLUMNS].to_numpy()
        np.testing.assert_allclose(particles[VOXELS] * VOXEL_SIZE_ANGSTROM, positions, atol=1e-4)


def test_relion_finds_each_particle_in_the_voxel_that_it_was_picked_in(write: Written) -> None:
    particles = starfile.read(write(main) / "ribosome.star")
    # ParticleSet::getParticleCoordDecenteredPixel, the centre being half the size.
    voxels = particles[CENTRED].to_numpy() / VOXEL_SIZE_ANGSTROM + SIZE_XYZ / 2
    np.testing.assert_allclose(voxels, particles[VOXELS], **EXACT)


def test_copicks_own_reader_finds_the_same_positions(write: Written, picks: pd.DataFrame) -> None:
    path = write(main) / "ribosome.star"
    particles, optics = read_star_particles_with_optics(str(path))
    middle = tuple(SIZE_XYZ / 2 * VOXEL_SIZE_ANGSTROM)
    positions = relion_coordinates_to_angstrom(
        particles, tomogram_center=middle, optics=optics, relion_version="relion5"
    )
    of_type = picks[picks["particle_type"] == "ribosome"]
    np.testing.assert_allclose(positions, of_type[POSITION_COLUMNS], **EXACT)


def test_names_and_pixels_of_another_project(write: Written, picks: pd.DataFrame) -> None:
    folder = write(main, relion_name="day1_{run}.tomostar", tilt_series_pixel_size=2.5)
    particles = starfile.read(folder / "ribosome.star")
    assert particles["rlnTomoName"].tolist() == [
        "day1_TS_9_9.tomostar",
        "day1_TS_1_1.tomostar",
        "day1_TS_1_1.tomostar",
    ]
    positions = picks.loc[picks["particle_type"] == "ribosome", POSITION_COLUMNS]
    np.testing.assert_allclose(particles[VOXELS] * 2.5, positions, **EXACT)
    own = starfile.read(write(main) / "ribosome.star")
    np.testing.assert_array_equal(particles[CENTRED], own[CENTRED])


def test_a_type_without_picks_has_no_rows(write: Written, picks: pd.DataFrame) -> None:
    for table in (picks, picks[:0]):
        empty = starfile.read(write(main, table) / f"{WITHOUT_PICKS}.star")
        assert list(empty.columns) == COLUMNS
        assert empty.empty


def test_the_same_picks_make_the_same_bytes_and_a_persons_file_stays(
    write: Written, picks: pd.DataFrame
) -> None:
    folder = write(main)
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "notes.txt").write_text("theirs")
    write(main, picks[:1])
    assert {path.name: path.read_bytes() for path in write(main).iterdir()} == first | {
        "notes.txt": b"theirs"
    }
    edited = folder / "ribosome.star"
    edited.write_text("theirs")
    with pytest.raises(InputError, match=re.escape(f"{edited}: was not written by this workflow")):
        write(main)
    assert edited.read_text() == "theirs"


def test_what_does_not_fit_is_named(write: Written, picks: pd.DataFrame) -> None:
    with pytest.raises(InputError, match=r"picks\.csv: has picks of proteasome"):
        write(main, picks.replace("ribosome", "proteasome"))
    with pytest.raises(InputError, match=r"run TS_5_5: has no tomogram"):
        write(main, picks.replace("TS_9_9", "TS_5_5"))
