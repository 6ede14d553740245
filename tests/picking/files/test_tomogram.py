"""Tomograms: values and metadata, whole and damaged."""

import builtins
import json
import os
import shutil
from importlib.metadata import EntryPoint

import numcodecs
import numpy as np
import pytest
import zarr

from picking.errors import InputError
from tests.conftest import VOXEL_SIZE_ANGSTROM, tiny_values


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


@pytest.mark.parametrize(
    "missing", [{"run": "TS_9_9"}, {"tomo_type": "wbp"}], ids=["run", "tomo_type"]
)
def test_missing_tomograms_are_named(read, missing):
    with pytest.raises(InputError, match=next(iter(missing.values()))):
        read(tiny_values(0), **missing)
