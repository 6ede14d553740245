import builtins
import contextlib
import json
import os
import shutil
from importlib.metadata import EntryPoint
from pathlib import Path

import numcodecs
import numpy as np
import pytest
import zarr
from fsspec.implementations.local import LocalFileSystem
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from picking.config import CZII_PARTICLES
from picking.data_in.inventory import kaggle_static
from picking.errors import InputError
from picking.files.copick_project import filesystem_config
from picking.files.ome_zarr import open_pyramid, read_coarsest, read_level
from picking.files.tomogram import (
    LARGEST_SIGMA,
    Tomogram,
    normalised,
    read_tomogram,
    resampled,
)
from tests.conftest import VOXEL_SIZE_ANGSTROM, tiny_values, write_ome_zarr

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


@pytest.fixture
def read(tmp_path, write_kaggle_run):
    """Write one tomogram, change it, and read it through copick."""

    def read_one(values_zyx, change=None, run="TS_1_1", tomo_type="denoised"):
        path = write_kaggle_run(tmp_path, "train", "TS_1_1", values_zyx)
        if change is not None:
            change(path)
        config = tmp_path / "copick.json"
        content = filesystem_config(
            kaggle_static(tmp_path, "train"), tmp_path / "overlay", CZII_PARTICLES
        )
        config.write_text(json.dumps(content))
        return read_tomogram(config, run, tomo_type, 10.0)

    return read_one


def test_values_axes_and_true_voxel_size(read):
    values = tiny_values(0)
    tomogram = read(values)
    assert tomogram.run == "TS_1_1"
    assert tomogram.values_zyx.dtype == np.float32
    np.testing.assert_array_equal(tomogram.values_zyx, values)
    np.testing.assert_array_equal(tomogram.voxel_size_zyx_angstrom, [VOXEL_SIZE_ANGSTROM] * 3)


def test_integer_tomograms_are_read_as_float32(read):
    values = np.arange(8 * 12 * 16, dtype=np.int16).reshape(8, 12, 16)
    tomogram = read(values)
    assert tomogram.values_zyx.dtype == np.float32
    np.testing.assert_array_equal(tomogram.values_zyx, values)


def changed_attributes(change):
    def apply(path):
        group = zarr.open_group(str(path), mode="a")
        (multiscale,) = group.attrs["multiscales"]
        change(multiscale)
        group.attrs["multiscales"] = [multiscale]

    return apply


def set_scale(*scale):
    def change(multiscale):
        multiscale["datasets"][0]["coordinateTransformations"][0]["scale"] = list(scale)

    return changed_attributes(change)


def remove_scale(multiscale):
    del multiscale["datasets"][0]["coordinateTransformations"]


def nanometres(multiscale):
    for axis in multiscale["axes"]:
        axis["unit"] = "nanometer"
    multiscale["datasets"][0]["coordinateTransformations"][0]["scale"] = [1.0, 1.01, 1.02]


def cut_chunk(path):
    chunk = next(item for item in (path / "0").rglob("*") if item.name.isdigit() and item.is_file())
    chunk.write_bytes(chunk.read_bytes()[:20])


def test_scale_keeps_its_axis_order(read):
    size = read(tiny_values(0), set_scale(10.0, 10.1, 10.2)).voxel_size_zyx_angstrom
    np.testing.assert_array_equal(size, [10.0, 10.1, 10.2])


def test_levels_that_nothing_is_picked_from_may_be_missing(read):
    values = read(tiny_values(0), lambda path: shutil.rmtree(path / "1")).values_zyx
    np.testing.assert_array_equal(values, tiny_values(0))


def test_nanometres_become_angstrom(read):
    size = read(tiny_values(0), changed_attributes(nanometres)).voxel_size_zyx_angstrom
    np.testing.assert_allclose(size, [10.0, 10.1, 10.2])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: shutil.rmtree(path / "0"), r"denoised\.zarr/0: .* cannot be opened"),
        (lambda path: (path / ".zattrs").unlink(), r"denoised\.zarr: has odd multiscales"),
        (lambda path: (path / ".zattrs").write_text("{"), r"denoised\.zarr: is not a Zarr"),
        (lambda path: (path / ".zgroup").unlink(), r"denoised\.zarr: is not a Zarr"),
        (lambda path: (path / "0" / ".zarray").write_text("{"), "cannot be opened"),
        (cut_chunk, r"denoised\.zarr/0: cannot be read"),
        (changed_attributes(remove_scale), "no scale"),
        (set_scale(10.0, 10.0), "wrong length"),
        (set_scale(1.0, 1.0, 1.0), "its scale says 1, 1, 1 Å"),
        (set_scale(10.0, 10.0, float("nan")), "its scale says"),
        (changed_attributes(lambda m: m["axes"].reverse()), "axes x, y, z"),
        (changed_attributes(lambda m: m["axes"][0].update(unit="furlong")), "'furlong'"),
    ],
)
def test_damaged_tomograms_are_named(read, change, message):
    with pytest.raises(InputError, match=message) as caught:
        read(tiny_values(0), change)
    assert "\n" not in str(caught.value)


def array_metadata(**changes):
    def apply(path):
        metadata = json.loads((path / "0" / ".zarray").read_text())
        metadata.update(changes)
        (path / "0" / ".zarray").write_text(json.dumps(metadata))

    return apply


@pytest.mark.parametrize(
    "changes",
    [
        {"zarr_format": 3},
        {"chunks": None},
        {"chunks": [0, 8, 8]},
        {"chunks": [-1, 8, 8]},
        {"shape": "888"},
        {"shape": [8, 12]},
        {"dtype": "nonsense"},
        {"dtype": "|O"},
        {"fill_value": {}},
        {"order": "X"},
        {"dimension_separator": 5},
        {"compressor": {"id": "none-such"}},
        {"filters": [{"id": "vlen-utf8"}]},
        {"filters": [{"id": "pickle", "protocol": 5}]},
        {"filters": 7},
    ],
    ids=str,
)
def test_damaged_array_metadata_end_in_one_line(read, changes):
    with pytest.raises(InputError, match=r"denoised\.zarr") as caught:
        read(tiny_values(0), array_metadata(**changes))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("codec", ["zfpy", "pcodec", "none-such"])
def test_a_codec_that_is_not_installed_is_named(read, codec, monkeypatch):
    monkeypatch.delitem(numcodecs.registry.codec_registry, codec, raising=False)
    with pytest.raises(InputError, match=rf"0: is coded .* not installed .*'{codec}'.*; install"):
        read(tiny_values(0), array_metadata(compressor={"id": codec}))


def test_a_codec_whose_package_cannot_be_imported_is_named(read, monkeypatch):
    entry = EntryPoint("mine", "no_such_package:Codec", "numcodecs.codecs")
    monkeypatch.setitem(numcodecs.registry.entries, "mine", entry)
    with pytest.raises(InputError, match=r"0: is coded .* not installed .*no_such_package"):
        read(tiny_values(0), array_metadata(compressor={"id": "mine"}))


def closed(monkeypatch, name):
    """Refuse what lies at or below a name, also where the tests are run by root."""

    def refusing(function):
        def refuse(path, *arguments, **options):
            if not isinstance(path, int) and f"/{name}/" in f"{os.fspath(path)}/":
                raise PermissionError(13, "Permission denied", os.fspath(path))
            return function(path, *arguments, **options)

        return refuse

    for module, attribute in ((builtins, "open"), (os, "stat")):
        monkeypatch.setattr(module, attribute, refusing(getattr(module, attribute)))


@pytest.mark.parametrize("name", [".zattrs", ".zgroup", "0/.zarray", "0"])
def test_metadata_that_may_not_be_read_are_not_taken_for_none(read, monkeypatch, name):
    name = f"denoised.zarr/{name}"
    with pytest.raises(InputError, match=rf"{name}(/\.z\w+)?: may not be read; give yourself"):
        read(tiny_values(0), lambda _: closed(monkeypatch, name))


def with_value(value, count):
    values = tiny_values(0)
    values.flat[:count] = value
    return values


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (with_value(np.nan, 3), "3 of 1536 values are NaN or infinite"),
        (with_value(-np.inf, 2), "2 of 1536"),
        (np.full((8, 12, 16), np.nan, np.float32), "1536 of 1536"),
        (np.full((8, 12, 16), 2.5, np.float32), "all values are 2.5"),
        (tiny_values(0, (12, 16)), "is 2D"),
        (tiny_values(0, (1, 12, 16)), "a side below 4"),
        (tiny_values(0).astype(np.complex64), "complex"),
    ],
)
def test_unusable_values_are_refused(read, values, message):
    with pytest.raises(InputError, match=message):
        read(values)


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


@pytest.mark.parametrize("separator", ["/", "."])
def test_whole_chunks_are_read_whatever_their_names(read, separator):
    values_zyx = tiny_values(0)
    values_zyx[:4] = 0  # written all the same
    tomogram = read(values_zyx, with_chunks(lambda _: None, separator=separator))
    np.testing.assert_array_equal(tomogram.values_zyx, values_zyx)


@pytest.mark.parametrize(
    "missing", [{"run": "TS_9_9"}, {"tomo_type": "wbp"}], ids=["run", "tomo_type"]
)
def test_missing_tomograms_are_named(read, missing):
    with pytest.raises(InputError, match=next(iter(missing.values()))):
        read(tiny_values(0), **missing)


def test_normalised_noise_has_mean_0_and_spread_1():
    values = tiny_values(1, (20, 30, 40)) + np.float32(3e-5)
    result = normalised(values)
    assert result.dtype == np.float32
    assert abs(float(result.mean())) < 0.01
    assert abs(float(result.std()) - 1) < 0.02


def test_gold_does_not_dominate():
    values = tiny_values(2, (20, 30, 40))
    clean = normalised(values)
    with_gold = values.copy()
    with_gold[4:6, 4:6, 4:6] = -1e-3
    result = normalised(with_gold)
    assert result[5, 5, 5] == -LARGEST_SIGMA
    np.testing.assert_allclose(result[8:], clean[8:], atol=0.05)


def test_input_is_left_as_it_is():
    values = tiny_values(3)
    before = values.copy()
    normalised(values)
    np.testing.assert_array_equal(values, before)


@settings(deadline=None, max_examples=50)
@given(
    arrays(np.float32, (4, 5, 6), elements=st.floats(-10, 10, width=16)),
    st.sampled_from([1e-6, 1.0, 1e4]),
    st.sampled_from([-3.0, 0.0, 7.0]),
)
def test_result_is_finite_bounded_and_keeps_the_order(values, factor, offset):
    values = (values + np.float32(offset)) * np.float32(factor)
    result = normalised(values)
    assert np.isfinite(result).all()
    assert np.abs(result).max() <= LARGEST_SIGMA
    order = np.argsort(values, axis=None)
    assert (np.diff(result.flat[order]) >= 0).all()


def blob(voxel_angstrom, centre_xyz_angstrom, sigma_angstrom, side_angstrom=480.0):
    """A dark Gaussian in a cube, on voxels of any size."""
    along = np.arange(0, side_angstrom, voxel_angstrom)
    z, y, x = np.meshgrid(along, along, along, indexing="ij")
    distance = sum((a - c) ** 2 for a, c in zip((x, y, z), centre_xyz_angstrom, strict=True))
    values = -np.exp(-distance / (2 * sigma_angstrom**2)).astype(np.float32)
    return Tomogram("R", values, np.full(3, float(voxel_angstrom)))


@pytest.mark.parametrize("voxel_angstrom", [6.0, 10.0, 15.0])
def test_resampled_particles_stay_in_their_places(voxel_angstrom):
    centre = (150.0, 210.0, 270.0)
    found = resampled(blob(voxel_angstrom, centre, 40.0), 10.0)
    expected = blob(10.0, centre, 40.0)
    assert np.all(found.voxel_size_zyx_angstrom == 10.0)
    assert np.all(np.abs(np.array(found.values_zyx.shape) - expected.values_zyx.shape) <= 1)
    box = tuple(slice(0, side) for side in np.minimum(found.values_zyx.shape, 45))
    np.testing.assert_allclose(found.values_zyx[box], expected.values_zyx[box], atol=0.06)


def test_resampling_to_larger_voxels_averages_noise():
    noise = np.random.default_rng(0).normal(size=(40, 40, 40)).astype(np.float32)
    fine = Tomogram("R", noise, np.full(3, 5.0))
    # Averaging 2x2x2 voxels would leave a spread of 0.35; taking every other voxel leaves 1.
    assert resampled(fine, 10.0).values_zyx.std() < 0.6
    assert resampled(fine, 5.0) is fine
