"""Chunks of tomograms: absent, damaged, closed, of any codec; none is taken for what it is not."""

import contextlib
import shutil
from pathlib import Path

import numcodecs
import numpy as np
import pytest
import zarr
from fsspec.implementations.local import LocalFileSystem

from picking.errors import InputError
from picking.files.ome_zarr import open_pyramid, read_coarsest, read_level
from tests.conftest import tiny_values, write_ome_zarr

CODECS = [
    numcodecs.Zlib(),
    numcodecs.GZip(),
    numcodecs.BZ2(),
    numcodecs.LZMA(),
    numcodecs.Zstd(),
    numcodecs.LZ4(),
    numcodecs.Blosc("lz4"),
    numcodecs.Blosc("zstd"),
    None,
]


def with_chunks(change, chunks=(4, 4, 8), separator="/"):
    """Write level 0 in 12 chunks, and do something to the files of some of them."""

    def apply(path):
        values_zyx = zarr.open_group(str(path), mode="r")["0"][...]
        shutil.rmtree(path / "0")
        group = zarr.open_group(str(path), mode="a")
        group.create_dataset("0", data=values_zyx, chunks=chunks, dimension_separator=separator)
        files = [file for file in sorted((path / "0").rglob("*")) if file.name[0].isdigit()]
        for file in [file for file in files if file.is_file()][::2]:
            change(file)

    return apply


def leave_empty(file):
    file.write_bytes(b"")


def replace_by_dangling_link(file):
    file.unlink()
    file.symlink_to(file.with_name("nowhere"))


def replace_by_folder(file):
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("separator", ["/", "."])
def test_whole_chunks_are_read_whatever_their_names(read, separator):
    values_zyx = tiny_values(0)
    values_zyx[:4] = 0  # written all the same
    tomogram = read(values_zyx, with_chunks(lambda _: None, separator=separator))
    np.testing.assert_array_equal(tomogram.values_zyx, values_zyx)


@pytest.mark.parametrize("separator", ["/", "."])
@pytest.mark.parametrize("change", [Path.unlink, replace_by_dangling_link, replace_by_folder])
def test_a_hole_is_no_fill_value(read, change, separator):
    with pytest.raises(InputError, match=r"denoised\.zarr/0: .*6 of 12 chunks are absent.*0/0.0.0"):
        read(tiny_values(0), with_chunks(change, separator=separator))


def test_an_empty_chunk_file_is_named(read):
    with pytest.raises(InputError, match=r"denoised\.zarr/0: cannot be read"):
        read(tiny_values(0), with_chunks(leave_empty))


def cut(chunk, rng):
    return chunk[: rng.integers(len(chunk))]


def flip_bits(chunk, rng):
    damaged = bytearray(chunk)
    for _ in range(5):
        damaged[rng.integers(min(len(damaged), 64))] ^= 1 << int(rng.integers(8))
    return bytes(damaged)


def noise(chunk, rng):
    return rng.bytes(len(chunk))


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("damage", [cut, flip_bits, noise])
@pytest.mark.parametrize("codec_filter", [None, numcodecs.CRC32(), numcodecs.Shuffle(4)], ids=str)
@pytest.mark.parametrize("codec", CODECS, ids=str)
def test_a_damaged_chunk_of_any_codec_ends_in_one_line(tmp_path, codec, codec_filter, damage):
    filters = None if codec_filter is None else [codec_filter]
    values_zyx = np.random.default_rng(0).standard_normal((8, 12, 16)).astype(np.float32)
    array = zarr.array(
        values_zyx, store=str(tmp_path), chunks=(4, 12, 16), compressor=codec, filters=filters
    )
    np.testing.assert_array_equal(read_level(array, "here"), values_zyx)
    path = tmp_path / "0.0.0"
    whole = path.read_bytes()
    for seed in range(8):
        path.write_bytes(damage(whole, np.random.default_rng(seed)))
        # Without a checksum damage may look like values.
        with contextlib.suppress(InputError):
            read_level(array, "here")


def test_a_chunk_that_may_not_be_read_is_named(read, monkeypatch):
    # Root may read everything, so the refusal is made here; fsspec's own stores turn it to a gap.
    values_zyx = tiny_values(0)
    opened = Path("0") / "1"

    def refuse(self, path, mode="rb", **arguments):
        if str(opened) in str(path):
            raise PermissionError(13, "Permission denied")
        return open_file(self, path, mode, **arguments)

    open_file = LocalFileSystem._open
    monkeypatch.setattr(LocalFileSystem, "_open", refuse)
    with pytest.raises(InputError, match=r"chunks are absent or may not be read"):
        read(values_zyx, with_chunks(lambda _: None))


def cut_metadata(level):
    (level / ".zarray").write_text("{")


def make_flat(level):
    zarr.save_array(str(level), np.zeros((4, 6, 8), np.float32))


def remove_chunk(level):
    next(file for file in level.rglob("0") if file.is_file()).unlink()


@pytest.mark.parametrize("damage", [cut_metadata, make_flat, remove_chunk])
def test_a_damaged_level_that_nothing_is_picked_from_is_passed_over(tmp_path, damage):
    path = tmp_path / "denoised.zarr"
    write_ome_zarr(path, tiny_values(0))

    def look():
        return read_coarsest(open_pyramid(zarr.DirectoryStore(str(path)), "here", 10.0))

    values_zyx, passed_over = look()
    np.testing.assert_array_equal(values_zyx, tiny_values(0)[::2, ::2, ::2])
    assert passed_over == ()
    damage(path / "1")
    values_zyx, (problem,) = look()
    np.testing.assert_array_equal(values_zyx, tiny_values(0))
    assert problem.startswith("here/1: ")
    damage(path / "0")
    with pytest.raises(InputError, match=r"^here/0: "):
        look()
