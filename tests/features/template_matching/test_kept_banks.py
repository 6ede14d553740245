"""Banks are made once, forgotten when they take too much, and smaller for huge particles."""

import numpy as np
import pytest

from features.template_matching import bank, kept_banks
from features.template_matching.bank import MOST_BYTES, fitting_orientations, make_bank
from features.template_matching.kept_banks import KeptBanks
from features.template_matching.missing_wedge import MissingWedge
from picking.structures.structure import Structure
from tests.features.template_matching.made_structures import HANDED, ROD, structure_of_blobs

STRUCTURE = structure_of_blobs(HANDED)
WEDGE = MissingWedge(60)


@pytest.fixture
def made(monkeypatch):
    """Orientations of the banks that are made."""
    numbers = []

    def make(structure, voxel_angstrom, wedge, orientations, threads):
        numbers.append(orientations)
        return make_bank(structure, voxel_angstrom, wedge, orientations, threads)

    monkeypatch.setattr(kept_banks, "make_bank", make)
    return numbers


def huge(across_angstrom):
    """A hollow ball in voxels of 20 Å."""
    half = int(across_angstrom / 40) + 2
    axis = np.arange(-half, half + 1) * 20.0
    radius = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2)
    return Structure((np.abs(radius - across_angstrom / 2) < 20).astype(np.float32), 20.0)


def test_a_bank_is_made_once_for_a_structure_a_wedge_and_a_number(made):
    banks = KeptBanks()
    first = banks.bank_of("handed", STRUCTURE, 10.0, WEDGE, 5)
    assert banks.bank_of("handed", STRUCTURE, 10.0, WEDGE, 5) is first
    assert made == [5]
    for other in (
        (structure_of_blobs(ROD), 10.0, WEDGE, 5),
        (STRUCTURE, 12.0, WEDGE, 5),
        (STRUCTURE, 10.0, MissingWedge(), 5),
        (STRUCTURE, 10.0, WEDGE, 6),
    ):
        assert banks.bank_of("other", *other) is not first
    assert made == [5, 5, 5, 5, 6]


def test_banks_that_were_not_asked_for_longest_make_room(made):
    one = make_bank(STRUCTURE, 10.0, WEDGE, 5).templates.nbytes
    banks = KeptBanks(kept_bytes=int(2.5 * one))
    wedges = [MissingWedge(degrees) for degrees in (40, 50, 60)]
    for wedge in (wedges[0], wedges[1], wedges[0], wedges[2], wedges[0]):
        banks.bank_of("handed", STRUCTURE, 10.0, wedge, 5)
    assert len(made) == 3
    banks.bank_of("handed", STRUCTURE, 10.0, wedges[1], 5)
    assert len(made) == 4


def test_one_bank_is_kept_however_large_it_is(made):
    banks = KeptBanks(kept_bytes=1)
    for _ in range(2):
        banks.bank_of("handed", STRUCTURE, 10.0, WEDGE, 5)
    assert made == [5]


def test_only_huge_particles_have_fewer_orientations():
    assert fitting_orientations(STRUCTURE, 10.0, 20000) == 20000
    assert fitting_orientations(huge(860), 10.0, 600) == 600
    fitting = fitting_orientations(huge(1600), 10.0, 600)
    points = 4 / 3 * np.pi * (820 / 20) ** 3
    assert fitting == pytest.approx(MOST_BYTES / 4 / points, rel=0.1)
    assert fitting < 600


def test_a_message_says_that_a_particle_is_too_large_for_its_orientations(
    made, monkeypatch, capsys
):
    points = len(make_bank(STRUCTURE, 10.0, WEDGE, 1).offsets_zyx)
    monkeypatch.setattr(bank, "MOST_BYTES", points * 4 * 7)
    banks = KeptBanks()
    assert len(banks.bank_of("handed", STRUCTURE, 10.0, WEDGE, 7).templates) == 7
    assert capsys.readouterr().err == ""
    for _ in range(2):
        assert len(banks.bank_of("handed", STRUCTURE, 10.0, WEDGE, 600).templates) == 7
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: handed is so large that its structure is compared in 7 ")
    monkeypatch.setattr(bank, "MOST_BYTES", 1)
    assert len(KeptBanks().bank_of("handed", STRUCTURE, 10.0, WEDGE, 600).templates) == 1


def test_a_bank_of_a_large_particle_is_made_in_smaller_parts(monkeypatch):
    together = make_bank(STRUCTURE, 10.0, WEDGE, 9)
    monkeypatch.setattr(bank, "TOGETHER_BYTES", 1)
    one_by_one = make_bank(STRUCTURE, 10.0, WEDGE, 9)
    np.testing.assert_allclose(one_by_one.templates, together.templates, atol=1e-6)
