"""Density maps and atomic models, as programs write them, and such as cannot be used."""

import gzip
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from picking.errors import InputError
from picking.structures.read_structure import VOXEL_ANGSTROM, read_structure

# The ends of an object unlike its mirror image, zyx from its middle, Å, with their densities.
ENDS = (((0, 0, 0), 4.0), ((40, 0, 0), 3.0), ((0, 80, 0), 2.0), ((0, 0, -60), 1.0))
ASSEMBLY = """\
REMARK 350 BIOMOLECULE: 1
REMARK 350 APPLY THE FOLLOWING TO CHAINS: A
REMARK 350   BIOMT1   1  1.000000  0.000000  0.000000        0.00000
REMARK 350   BIOMT2   1  0.000000  1.000000  0.000000        0.00000
REMARK 350   BIOMT3   1  0.000000  0.000000  1.000000        0.00000
REMARK 350   BIOMT1   2 -1.000000  0.000000  0.000000        0.00000
REMARK 350   BIOMT2   2  0.000000 -1.000000  0.000000        0.00000
REMARK 350   BIOMT3   2  0.000000  0.000000  1.000000        0.00000
"""
ATOM = "{:6s}{:5d}  {:3s} {:3s} {:1s}{:4d}    {:8.3f}{:8.3f}{:8.3f}  1.00 20.00          {:>2s}\n"


def map_of_ends(voxel_angstrom, middle=(12, 30, 20), shape=(40, 60, 50)):
    """Density high where there is mass, in a box that is not centred on it."""
    density = np.zeros(shape, dtype=np.float32)
    for at_zyx, value in ENDS:
        density[tuple(np.array(middle) + np.array(at_zyx) // voxel_angstrom)] = value
    return density


def write_mrc(path: Path, density, voxel_angstrom) -> Path:
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(density)
        file.voxel_size = voxel_angstrom
    return path


def strongest(structure) -> np.ndarray:
    """Places of the ends from the strongest one, zyx Å, the strongest first."""
    cube = structure.density_zyx.astype(float)
    places = []
    for _ in ENDS:
        at = np.array(np.unravel_index(cube.argmax(), cube.shape))
        around = tuple(slice(max(place - 1, 0), place + 2) for place in at)
        weights = cube[around]
        inside = np.stack(np.indices(weights.shape), axis=-1).reshape(-1, 3)
        centre = (inside * weights.reshape(-1, 1)).sum(axis=0) / weights.sum()
        places.append((centre + [each.start for each in around]) * structure.voxel_size_angstrom)
        cube[around] = 0
    return np.array(places) - places[0]


def test_a_map_is_read_with_its_voxels_and_its_hand(tmp_path):
    structure = read_structure(write_mrc(tmp_path / "ends.mrc", map_of_ends(10), 10.0))
    assert structure.voxel_size_angstrom == pytest.approx(10)
    np.testing.assert_allclose(strongest(structure), [at for at, _ in ENDS], atol=5)


def test_columns_of_a_map_may_be_any_axis(tmp_path):
    """Read as x, y, z, these would be the mirror image."""
    path = write_mrc(tmp_path / "ends.map", map_of_ends(10).transpose(2, 1, 0).copy(), 10.0)
    with mrcfile.open(path, "r+", permissive=True) as file:
        file.header.mapc, file.header.mapr, file.header.maps = 3, 2, 1
        file.header.mx, file.header.mz = file.header.nz, file.header.nx
        file.header.cella.x, file.header.cella.z = file.header.nz * 10, file.header.nx * 10
    np.testing.assert_allclose(strongest(read_structure(path)), [at for at, _ in ENDS], atol=5)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.float16])
def test_maps_of_other_numbers(tmp_path, dtype):
    path = write_mrc(tmp_path / "ends.ccp4", map_of_ends(10).astype(dtype), 10.0)
    np.testing.assert_allclose(strongest(read_structure(path)), [at for at, _ in ENDS], atol=5)


def test_fine_maps_are_kept_in_larger_voxels(tmp_path):
    blocks = map_of_ends(5, shape=(40, 80, 80)).repeat(3, 0).repeat(3, 1).repeat(3, 2)
    structure = read_structure(write_mrc(tmp_path / "fine.mrc", blocks, VOXEL_ANGSTROM / 3))
    assert structure.voxel_size_angstrom == pytest.approx(VOXEL_ANGSTROM)
    np.testing.assert_allclose(strongest(structure), [at for at, _ in ENDS], atol=3)


def test_noise_of_the_solvent_is_no_mass(tmp_path):
    clean = map_of_ends(10)
    noise = np.random.default_rng(0).uniform(-0.35, 0.35, clean.shape).astype(np.float32)
    noisy = np.where(clean > 0, clean, noise)
    read = [
        read_structure(write_mrc(tmp_path / f"{name}.mrc", density, 10.0))
        for name, density in (("clean", clean), ("noisy", noisy))
    ]
    np.testing.assert_array_equal(read[0].density_zyx, read[1].density_zyx)


def test_compressed_files(tmp_path):
    path = write_mrc(tmp_path / "ends.mrc", map_of_ends(10), 10.0)
    packed = tmp_path / "ENDS.MRC.GZ"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    np.testing.assert_array_equal(
        read_structure(packed).density_zyx, read_structure(path).density_zyx
    )


def pdb(*atoms, assembly=ASSEMBLY) -> str:
    lines = [
        ATOM.format("ATOM", number, "CA", residue, "A", number, *at_xyz, "C")
        for number, (residue, at_xyz) in enumerate(atoms, 1)
    ]
    return assembly + "".join(lines) + "END\n"


def cif_of(path: Path) -> str:
    import gemmi

    read = gemmi.read_structure(str(path))
    read.setup_entities()
    return str(read.make_mmcif_document().as_string())


@pytest.mark.parametrize("ending", [".pdb", ".ent", ".cif", ".mmcif", ".pdb.gz"])
def test_a_model_is_its_assembly_without_water(tmp_path, ending):
    """Atoms at x 50, turned by 180 degrees about z: others at -50, and no water far off."""
    text = pdb(("ALA", (50, 0, 0)), ("ALA", (50, 10, 0)), ("HOH", (0, 0, 300)))
    path = tmp_path / f"model{ending}"
    if "cif" in ending:
        (tmp_path / "as.pdb").write_text(text)
        text = cif_of(tmp_path / "as.pdb")
    path.write_bytes(gzip.compress(text.encode()) if ending.endswith("gz") else text.encode())
    structure = read_structure(path)
    assert structure.voxel_size_angstrom == VOXEL_ANGSTROM
    mass = structure.density_zyx.sum(axis=(0, 1))  # along x
    middle = len(mass) // 2
    np.testing.assert_allclose(mass, mass[::-1], atol=0.02 * mass.max())
    away = np.abs(np.arange(len(mass)) - middle) * VOXEL_ANGSTROM
    assert (mass * away).sum() / mass.sum() == pytest.approx(50, abs=2)
    assert mass.sum() == pytest.approx(4 * 12.011, rel=0.02)


def test_a_model_without_an_assembly_is_taken_as_it_stands(tmp_path):
    """Handed: x, y and z of the atoms are those of the map."""
    ends = [("ALA", (x, y, z)) for (z, y, x), weight in ENDS for _ in range(int(weight))]
    path = tmp_path / "ends.pdb"
    path.write_text(pdb(*ends, assembly=""))
    np.testing.assert_allclose(strongest(read_structure(path)), [at for at, _ in ENDS], atol=3)


def damaged(tmp_path: Path, kind: str) -> Path:
    whole = write_mrc(tmp_path / "whole.mrc", map_of_ends(10), 10.0)
    path = tmp_path / f"{kind.replace(' ', '_')}.mrc"
    if kind == "truncated":
        path.write_bytes(whole.read_bytes()[:5000])
    elif kind == "nothing in it":
        path.touch()
    elif kind == "not packed":
        path = path.with_suffix(".mrc.gz")
        path.write_bytes(whole.read_bytes()[:2000])
    elif kind == "no density":
        write_mrc(path, -map_of_ends(10), 10.0)
    elif kind == "not finite":
        path.write_bytes(whole.read_bytes()[:-4] + np.float32(np.nan).tobytes())
    elif kind == "not cubic":
        write_mrc(path, map_of_ends(10), (10.0, 10.0, 12.0))
    elif kind == "nanometres":
        write_mrc(path, map_of_ends(10), 0.0)
    elif kind == "metres":
        write_mrc(path, map_of_ends(10), 1e10)
    elif kind == "a folder":
        path.mkdir()
    elif kind == "another name":
        path = whole.rename(tmp_path / "map.em")
    return path


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("missing", "No such file"),
        ("another name", "neither a density map nor an atomic model by its name"),
        ("truncated", "Failed to read all the data"),
        ("nothing in it", "cannot be read"),
        ("not packed", "cannot be read"),
        ("a folder", "Is a directory"),
        ("no density", "holds no density"),
        ("not finite", "not finite"),
        ("not cubic", "no cubes: 10 x 10 x 12"),
        ("nanometres", "voxel size"),
        ("metres", "voxel size"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path, kind, said):
    path = damaged(tmp_path, kind)
    with pytest.raises(InputError, match=said) as error:
        read_structure(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_a_map_that_is_too_large_for_the_memory_is_named(tmp_path, monkeypatch):
    path = write_mrc(tmp_path / "large.mrc", map_of_ends(10), 10.0)

    def too_large(*_: object, **__: object) -> None:
        raise MemoryError("std::bad_alloc")

    monkeypatch.setattr("gemmi.read_ccp4_map", too_large)
    with pytest.raises(InputError, match=r"large\.mrc: cannot be read"):
        read_structure(path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("empty.pdb", ""),
        ("prose.pdb", "This is no model.\n"),
        ("empty.cif", ""),
        ("prose.cif", "This is no model.\n"),
        ("no_atoms.cif", "data_x\n_cell.length_a 10\n"),
        ("water.pdb", pdb(("HOH", (0, 0, 0)))),
        ("far.pdb", pdb(("ALA", (0, 0, 0)), ("ALA", (9000, 0, 0)), assembly="")),
        ("infinite.cif", None),
    ],
)
def test_models_that_hold_nothing_are_refused(tmp_path, name, text):
    path = tmp_path / name
    if text is None:
        (tmp_path / "as.pdb").write_text(pdb(("ALA", (1, 2, 3)), ("ALA", (50, 0, 0)), assembly=""))
        text = cif_of(tmp_path / "as.pdb").replace(" 50 ", " nan ").replace(" 50.000 ", " nan ")
        assert "nan" in text
    path.write_text(text)
    with pytest.raises(InputError, match="cannot be read") as error:
        read_structure(path)
    assert str(error.value).startswith(f"{path}: ")
