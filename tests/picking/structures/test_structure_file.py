import io
from pathlib import Path

import numpy as np
import pytest

from picking.errors import InputError
from picking.structures import structure_file
from picking.structures.structure import Structure
from picking.structures.structure_file import read_structures, write_structures

DENSITY = np.random.default_rng(0).random((5, 5, 5), dtype=np.float32)
STRUCTURES = {
    "ribosome": Structure(DENSITY, 5.0),
    "portal(α)-v1'2": Structure(DENSITY[:3, :3, :3].copy(), 13.48),
}


def test_structures_come_back_as_they_were(tmp_path: Path):
    path = tmp_path / "structures.npz"
    write_structures(path, STRUCTURES)
    read = read_structures(path)
    assert list(read) == list(STRUCTURES)
    for name, structure in STRUCTURES.items():
        np.testing.assert_array_equal(read[name].density_zyx, structure.density_zyx)
        assert read[name].voxel_size_angstrom == structure.voxel_size_angstrom


def test_no_structures_are_a_file_too(tmp_path: Path):
    write_structures(tmp_path / "structures.npz", {})
    assert read_structures(tmp_path / "structures.npz") == {}


def test_the_same_structures_are_the_same_bytes(tmp_path: Path):
    for name in ("a.npz", "b.npz"):
        write_structures(tmp_path / name, STRUCTURES)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def arrays_in(**arrays: object) -> bytes:
    content = io.BytesIO()
    np.savez(content, **{name.replace("__", "/"): value for name, value in arrays.items()})
    return content.getvalue()


def whole(tmp_path: Path) -> bytes:
    write_structures(tmp_path / "whole.npz", STRUCTURES)
    return (tmp_path / "whole.npz").read_bytes()


def array_alone() -> bytes:
    content = io.BytesIO()
    np.save(content, DENSITY)
    return content.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        array_alone(),
        arrays_in(a__density_zyx=DENSITY),
        arrays_in(a__density_zyx=DENSITY[:4, :4, :4], a__voxel_size_angstrom=5.0),
        arrays_in(a__density_zyx=DENSITY[0], a__voxel_size_angstrom=5.0),
        arrays_in(a__density_zyx=np.float32(1), a__voxel_size_angstrom=5.0),
        arrays_in(a__density_zyx=DENSITY.astype("c8"), a__voxel_size_angstrom=5.0),
        arrays_in(a__density_zyx=DENSITY.astype("str"), a__voxel_size_angstrom=5.0),
        arrays_in(a__density_zyx=DENSITY.astype(object), a__voxel_size_angstrom=5.0),
        arrays_in(a__density_zyx=DENSITY * np.float32(np.nan), a__voxel_size_angstrom=5.0),
        arrays_in(a__density_zyx=DENSITY * np.float32(0), a__voxel_size_angstrom=5.0),
        arrays_in(a__density_zyx=DENSITY, a__voxel_size_angstrom=0.0),
        arrays_in(a__density_zyx=DENSITY, a__voxel_size_angstrom=np.inf),
        arrays_in(a__density_zyx=DENSITY, a__voxel_size_angstrom=[5.0, 5.0]),
    ],
)
def test_a_file_that_holds_something_else_is_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "structures.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match="holds no structures"):
        read_structures(path)


def test_damage_anywhere_is_noticed_or_changes_nothing(tmp_path: Path):
    content, path = whole(tmp_path), tmp_path / "damaged.npz"
    rng = np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(content)
        damaged[rng.integers(len(content))] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged[: rng.integers(len(content))] if rng.random() < 0.3 else damaged)
        try:
            read = read_structures(path)
        except InputError:
            continue
        for name in read.keys() & STRUCTURES.keys():
            np.testing.assert_array_equal(read[name].density_zyx, STRUCTURES[name].density_zyx)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(InputError, match=r"none\.npz: cannot be read \(No such file"):
        read_structures(tmp_path / "none.npz")


def test_a_few_bytes_that_unpack_to_many_are_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "structures.npz"
    write_structures(path, {"zeros": Structure(np.zeros((65,) * 3, np.float32), 5.0)})
    monkeypatch.setattr(structure_file, "MOST_BYTES", 10 * path.stat().st_size)
    with pytest.raises(InputError, match="more than"):
        read_structures(path)
