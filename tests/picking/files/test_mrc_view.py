"""A view of an MRC file is an OME-Zarr tomogram that takes no room and leaves the file alone."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import zarr

from picking.config import CZII_PARTICLES
from picking.errors import InputError
from picking.files.copick_project import RUNS_FOLDER, filesystem_config
from picking.files.mrc_codec import MrcChunk
from picking.files.mrc_view import write_view
from picking.files.ome_zarr import open_pyramid
from picking.files.tomogram import read_tomogram, tomogram_digest, tomogram_stamp
from picking.files.tomogram_stamp import digest_of, stamp_of
from tests.mrc_data import blobs, write_mrc

KIND = ("denoised", 10.0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_mrc(tmp_path / "mine" / "TS_1.mrc", blobs(0)[0], 10.02)


def project(file: Path, *, is_inverted: bool = False) -> Path:
    root = file.parent.parent
    view = root / "views" / RUNS_FOLDER / "TS_1" / "VoxelSpacing10.000" / "denoised.zarr"
    shape = blobs(0)[0].shape
    write_view(view, MrcChunk(path=file, shape_zyx=shape, is_inverted=is_inverted), 10.02)
    config = root / "copick.json"
    content = filesystem_config(root / "views", root / "overlay", CZII_PARTICLES)
    config.write_text(json.dumps(content))
    return config


@pytest.mark.parametrize("is_inverted", [False, True])
def test_it_is_read_through_copick(file: Path, is_inverted: bool) -> None:
    before = file.read_bytes(), file.stat().st_mtime_ns
    tomogram = read_tomogram(project(file, is_inverted=is_inverted), "TS_1", *KIND)
    expected = -blobs(0)[0] if is_inverted else blobs(0)[0]
    np.testing.assert_array_equal(tomogram.values_zyx, expected)
    np.testing.assert_allclose(tomogram.voxel_size_zyx_angstrom, 10.02)
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before


def test_it_takes_no_room(file: Path) -> None:
    project(file)
    files = [path for path in (file.parent.parent / "views").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 3000 < file.stat().st_size


def test_a_part_is_read_as_well_and_nothing_is_written(file: Path) -> None:
    project(file)
    (view,) = (file.parent.parent / "views").rglob("denoised.zarr")
    array = open_pyramid(zarr.DirectoryStore(str(view)), "here", 10.0).full_size
    np.testing.assert_array_equal(array[3:5, 7, ::2], blobs(0)[0][3:5, 7, ::2])
    before = file.read_bytes()
    writable = zarr.open_array(zarr.DirectoryStore(str(view / "0")), mode="r+")
    with pytest.raises(InputError, match="only read"):
        writable[:] = 0
    assert file.read_bytes() == before


def test_a_file_that_is_gone_or_another_is_named(file: Path) -> None:
    config = project(file)
    write_mrc(file, np.zeros((5, 6, 7), np.float32))
    with pytest.raises(InputError, match=r"TS_1\.mrc: has the shape \(5, 6, 7\), not \(24, 48, 60"):
        read_tomogram(config, "TS_1", *KIND)
    file.unlink()
    with pytest.raises(InputError, match=r"TS_1\.mrc: cannot be read"):
        read_tomogram(config, "TS_1", *KIND)


def test_a_view_has_the_stamp_of_its_file(file: Path) -> None:
    config = project(file)
    assert tomogram_stamp(config, "TS_1", *KIND) == stamp_of(file) != ""
    assert tomogram_digest(config, "TS_1", *KIND) == digest_of(file)
    stamp, digest = stamp_of(file), digest_of(file)
    project(file, is_inverted=True)  # written again, of the same file
    assert tomogram_stamp(config, "TS_1", *KIND) == stamp
    os.utime(file, ns=(0, 10**9))
    assert tomogram_stamp(config, "TS_1", *KIND) not in ("", stamp)
    assert tomogram_digest(config, "TS_1", *KIND) == digest_of(file) != digest
