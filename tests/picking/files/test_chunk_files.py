"""Chunks that are not there are told from those that are by the names of the files."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zarr

from picking.errors import InputError
from picking.files.chunk_files import check_chunk_files
from picking.files.ome_zarr import open_pyramid
from tests.conftest import tiny_values, write_ome_zarr

CHUNKS = (4, 4, 8)  # 12 of them


def tomogram(path: Path, separator: str, size: int = 1) -> Path:
    """Write a tomogram whose level 0 has 12 chunks."""
    values = np.tile(tiny_values(0), (size, 1, 1))
    write_ome_zarr(path, values)
    shutil.rmtree(path / "0")
    group = zarr.open_group(str(path), mode="a")
    group.create_dataset("0", data=values, chunks=CHUNKS, dimension_separator=separator)
    return path


def check(path: Path, store: Callable[[str], zarr.storage.Store]) -> None:
    check_chunk_files(open_pyramid(store(str(path)), "here", 10.0).full_size, "here")


def store_of_copick(path: str) -> zarr.storage.FSStore:
    return zarr.storage.FSStore(path, mode="r", key_separator="/", dimension_separator="/")


def empty(file: Path) -> None:
    file.write_bytes(b"")


def dangle(file: Path) -> None:
    file.unlink()
    file.symlink_to(file.with_name("nowhere"))


def make_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def link_elsewhere(file: Path) -> None:
    file.rename(file.with_name("moved"))
    file.symlink_to(file.with_name("moved"))


@pytest.mark.parametrize("store", [store_of_copick, zarr.storage.DirectoryStore])
@pytest.mark.parametrize("separator", ["/", "."])
@pytest.mark.parametrize("damage", [Path.unlink, empty, dangle, make_folder])
def test_chunks_that_hold_nothing_are_counted(tmp_path, damage, separator, store):
    path = tomogram(tmp_path / "denoised.zarr", separator)
    check(path, store)
    for first in "01":
        damage(path / "0" / separator.join((first, "2", "1")))
    with pytest.raises(InputError, match=r"^here/0: 2 of 12 chunks are absent, .* 0\.2\.1;"):
        check(path, store)


@pytest.mark.parametrize("separator", ["/", "."])
def test_a_chunk_that_may_not_be_read_is_counted(tmp_path, separator, monkeypatch):
    path = tomogram(tmp_path / "denoised.zarr", separator)
    closed = path / "0" / separator.join("101")
    # Root may read everything, so the refusal is made here.
    monkeypatch.setattr(os, "access", lambda file, mode: Path(file) != closed)
    with pytest.raises(InputError, match=r"1 of 12 chunks .* may not be read, .* 1\.0\.1;"):
        check(path, store_of_copick)


def test_chunks_of_a_folder_that_is_not_there_are_counted(tmp_path):
    path = tomogram(tmp_path / "denoised.zarr", "/")
    shutil.rmtree(path / "0" / "1" / "2")
    with pytest.raises(InputError, match=r"2 of 12 chunks .* 1\.2\.0;"):
        check(path, store_of_copick)


def test_links_to_chunks_and_other_files_are_no_gaps(tmp_path):
    path = tomogram(tmp_path / "denoised.zarr", "/")
    link_elsewhere(path / "0" / "0" / "0" / "0")
    link_elsewhere(path / "0" / "1")
    (path / "0" / "checksums.txt").touch()
    (path / "0" / "0" / "0" / "7").touch()  # beyond the shape
    check(path, store_of_copick)


def test_files_named_otherwise_than_the_metadata_say_are_not_found(tmp_path):
    path = tomogram(tmp_path / "denoised.zarr", ".")
    metadata = path / "0" / ".zarray"
    metadata.write_text(metadata.read_text().replace('"."', '"/"'))
    with pytest.raises(InputError, match="12 of 12 chunks"):
        check(path, store_of_copick)


def test_metadata_that_ask_for_any_number_of_chunks(tmp_path):
    path = tomogram(tmp_path / "denoised.zarr", "/")
    metadata = path / "0" / ".zarray"
    metadata.write_text(metadata.read_text().replace("16\n", f"{10**15}\n"))
    with pytest.raises(InputError, match=r"of 750000000000000 chunks .* 0\.0\.2;"):
        check(path, store_of_copick)


@pytest.mark.parametrize("separator", [{}, 5, ""], ids=str)
def test_an_odd_separator_is_no_trace(tmp_path, separator):
    path = tomogram(tmp_path / "denoised.zarr", "/")
    content = json.loads((path / "0" / ".zarray").read_text())
    content["dimension_separator"] = separator
    (path / "0" / ".zarray").write_text(json.dumps(content))
    check(path, store_of_copick)


def test_levels_elsewhere_are_not_checked():
    array = zarr.zeros((8, 8, 8), chunks=4, store=zarr.storage.MemoryStore())
    check_chunk_files(array, "here")
