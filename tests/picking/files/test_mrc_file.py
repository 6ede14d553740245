"""MRC files are read as they are meant, in every kind that tomograms come in."""

import gzip
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from picking.errors import InputError
from picking.files.mrc_file import IMOD_STAMP, read_header, read_values
from tests.mrc_data import write_mrc

# Sides that differ, so that no axis is taken for another.
NUMBERS = np.arange(4 * 5 * 6).reshape(4, 5, 6)
# Words of the header, bytes (MRC2014).
MAPC, MAPR, MAPS, NSYMBT, CELLA = 64, 68, 72, 92, 40


def set_word(path: Path, offset: int, value: int | float) -> None:
    content = bytearray(path.read_bytes())
    dtype = np.int32 if isinstance(value, int) else np.float32
    content[offset : offset + 4] = np.array(value, dtype).tobytes()
    path.write_bytes(content)


@pytest.mark.parametrize("dtype", ["int8", "int16", "uint16", "float16", "float32"])
def test_every_type_of_voxels(tmp_path: Path, dtype: str) -> None:
    path = write_mrc(tmp_path / "a.mrc", NUMBERS.astype(dtype), 7.84)
    header = read_header(path)
    assert header.shape_zyx == (4, 5, 6)
    assert header.voxel_angstrom == pytest.approx(7.84)
    values = read_values(path)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, NUMBERS)


def test_compressed_files_and_extended_headers(tmp_path: Path) -> None:
    path = write_mrc(tmp_path / "a.rec", NUMBERS.astype("int16"))
    with mrcfile.open(path, mode="r+") as file:
        file.set_extended_header(np.full(320, b"x", "S1").view("V1"))
    assert read_header(path).data_offset == 1024 + 320
    np.testing.assert_array_equal(read_values(path), NUMBERS)
    compressed = tmp_path / "a.rec.gz"
    compressed.write_bytes(gzip.compress(path.read_bytes()))
    np.testing.assert_array_equal(read_values(compressed), NUMBERS)
    assert read_header(compressed) == read_header(path)


def test_bytes_of_another_order(tmp_path: Path) -> None:
    path = tmp_path / "a.mrc"
    write_mrc(path, NUMBERS.astype(">f4"))
    assert path.read_bytes()[:4] == b"\0\0\0\x06"
    np.testing.assert_array_equal(read_values(path), NUMBERS)


@pytest.mark.parametrize("axes", [(1, 2, 3), (1, 3, 2), (3, 2, 1), (2, 3, 1), (0, 0, 0)])
def test_axes_in_any_order(tmp_path: Path, axes: tuple[int, int, int]) -> None:
    """Columns, rows and sections of the file are the axes that the header names: 1 is x."""
    stored = NUMBERS  # (sections, rows, columns)
    path = write_mrc(tmp_path / "a.mrc", stored.astype("int16"))
    for offset, axis in zip((MAPC, MAPR, MAPS), axes, strict=True):
        set_word(path, offset, axis)
    column, row, section = axes if any(axes) else (1, 2, 3)
    place = {section: 0, row: 1, column: 2}
    np.testing.assert_array_equal(read_values(path), stored.transpose(place[3], place[2], place[1]))


@pytest.mark.parametrize(("flags", "is_signed"), [(1, True), (0, False)])
def test_bytes_have_a_sign_as_imod_says(tmp_path: Path, flags: int, is_signed: bool) -> None:
    stored = np.full((4, 4, 4), 200, np.uint8)
    path = write_mrc(tmp_path / "a.rec", stored.view(np.int8))
    set_word(path, 152, IMOD_STAMP)
    set_word(path, 156, flags)
    assert read_values(path)[0, 0, 0] == (-56 if is_signed else 200)


@pytest.mark.parametrize(("sides", "expected"), [(0.0, None), (1.0, None), (13.48, 13.48)])
def test_a_voxel_size_that_nobody_set_is_none(
    tmp_path: Path, sides: float, expected: float | None
) -> None:
    found = read_header(write_mrc(tmp_path / "a.mrc", NUMBERS.astype("f4"), sides)).voxel_angstrom
    assert found == (None if expected is None else pytest.approx(expected, rel=1e-5))


def test_voxels_that_are_no_cubes_have_no_size(tmp_path: Path) -> None:
    path = write_mrc(tmp_path / "a.mrc", NUMBERS.astype("f4"))
    set_word(path, CELLA, 70.0)
    header = read_header(path)
    assert header.voxel_angstrom is None
    assert header.voxel_size_xyz_angstrom[1] == pytest.approx(10)


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-8])


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = write_mrc(tmp_path / "a.mrc", NUMBERS.astype("f4"))
    cut_off(path)
    with pytest.raises(InputError, match=r"a\.mrc: is cut off: it has 1496 of 1504 bytes"):
        read_header(path)
    path = write_mrc(tmp_path / "b.mrc", np.zeros((4, 4, 4), np.complex64))
    with pytest.raises(InputError, match=r"b\.mrc: has voxels of mode 4"):
        read_header(path)
    text = tmp_path / "c.mrc"
    text.write_text("no header")
    with pytest.raises(InputError, match=r"c\.mrc: "):
        read_header(text)
    with pytest.raises(InputError, match=r"d\.mrc: .*No such file"):
        read_header(tmp_path / "d.mrc")
    compressed = tmp_path / "e.mrc.gz"
    compressed.write_bytes(gzip.compress((tmp_path / "a.mrc").read_bytes())[:-20])
    with pytest.raises(InputError, match=r"e\.mrc\.gz: "):
        read_values(compressed)
