"""Taking a bundle: the files that its manifest lists, from a folder or an archive, or a refusal."""

import os
import random
import shutil
import zipfile
from pathlib import Path

import pytest

from benchmarks.damaged_bundles import (
    BOMB_BYTES,
    Made,
    announced,
    no_file_larger_than,
    write_folder,
)
from picking.bundle.manifest import MANIFEST_NAME
from picking.bundle.open_bundle import read_manifest
from picking.bundle.take_bundle import take_bundle
from picking.errors import InputError

WEIGHTS = "stage1/resnet18-w8-seed0/fold0/weights.safetensors"


def write_archive(made: Made, path: Path, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in made.packed().items():
            archive.writestr(name, content)
    return path


def as_bundle(made: Made, form: str) -> Path:
    if form == "zip":
        return write_archive(made, made.folder / "bundle.zip")
    write_folder(made, made.folder / "bundle")
    return made.folder / "bundle"


def taken(results: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(results)): path.read_bytes()
        for path in results.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_the_files_of_a_bundle_are_put_where_a_training_writes_them(
    made: Made, tmp_path: Path, form: str
) -> None:
    take_bundle(as_bundle(made, form), tmp_path / "results")
    expected = {name: content for name, content in made.files.items() if name != "README.md"}
    assert taken(tmp_path / "results") == expected


@pytest.mark.parametrize("form", ["folder", "zip"])
@pytest.mark.parametrize(
    "content", [b"", b"other", (WEIGHTS * 20)[::-1].encode()], ids=["empty", "short", "as long"]
)
def test_a_file_that_was_changed_is_refused_by_name(
    made: Made, tmp_path: Path, form: str, content: bytes
) -> None:
    made.files[WEIGHTS] = content
    with pytest.raises(InputError, match=f"{WEIGHTS}: is not the file that the manifest lists"):
        take_bundle(as_bundle(made, form), tmp_path / "results")
    assert not (tmp_path / "results" / WEIGHTS).exists()


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_a_file_that_is_missing_is_refused_by_name(made: Made, tmp_path: Path, form: str) -> None:
    del made.files[WEIGHTS]
    with pytest.raises(InputError, match=f"{WEIGHTS}: cannot be read"):
        take_bundle(as_bundle(made, form), tmp_path / "results")


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_no_more_is_written_than_was_announced(made: Made, tmp_path: Path, form: str) -> None:
    size = made.manifest["files"][WEIGHTS]["bytes"]
    made.files[WEIGHTS] = bytes(BOMB_BYTES)
    bundle = as_bundle(made, form)
    # More would be refused by the system, which is no InputError.
    with (
        no_file_larger_than(size),
        pytest.raises(InputError, match="its size or checksum differs"),
    ):
        take_bundle(bundle, tmp_path / "results")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_that_cannot_be_unpacked_bit_by_bit_is_refused(
    made: Made, tmp_path: Path, method: int
) -> None:
    archive = write_archive(made, tmp_path / "bundle.zip", method)
    with pytest.raises(InputError, match=r"manifest\.json: cannot be read \(neither stored nor"):
        read_manifest(archive)


def test_what_else_an_archive_holds_stays_in_it(made: Made, tmp_path: Path) -> None:
    made.files |= {"../outside.txt": b"", "/outside.txt": b"", "more.txt": b""}
    take_bundle(as_bundle(made, "zip"), tmp_path / "results")
    assert taken(tmp_path / "results").keys() < made.files.keys()
    assert not list(tmp_path.rglob("*outside*"))
    assert not list(tmp_path.rglob("more.txt"))


def test_a_file_that_a_manifest_lists_elsewhere_is_refused(made: Made, tmp_path: Path) -> None:
    made.files["../outside.txt"] = b"x"
    made.manifest["files"]["../outside.txt"] = announced(b"x")
    with pytest.raises(InputError, match=r"has also \.\./outside\.txt"):
        take_bundle(as_bundle(made, "zip"), tmp_path / "results")


@pytest.mark.parametrize("kind", ["pipe", "folder", "loop", "device"])
@pytest.mark.parametrize("name", [MANIFEST_NAME, WEIGHTS])
def test_what_is_no_file_is_refused_by_name(
    made: Made, tmp_path: Path, name: str, kind: str
) -> None:
    made.odd_entries[name] = kind
    with pytest.raises(InputError, match=rf"{name}: (is no file|cannot be read)"):
        take_bundle(as_bundle(made, "folder"), tmp_path / "results")


@pytest.mark.parametrize("seed", range(5))
def test_a_cut_archive_is_refused(made: Made, tmp_path: Path, seed: int) -> None:
    archive = as_bundle(made, "zip")
    content = archive.read_bytes()
    archive.write_bytes(content[: random.Random(seed).randrange(len(content))])
    with pytest.raises(InputError, match="is no zip file"):
        read_manifest(archive)


def test_a_full_disk_is_not_the_bundles_fault(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = as_bundle(made, "folder")

    class FullDisk:
        def sha256(self) -> None:
            raise OSError(28, os.strerror(28))

    monkeypatch.setattr("picking.bundle.open_bundle.hashlib", FullDisk())
    with pytest.raises(OSError, match="No space left"):
        take_bundle(bundle, tmp_path / "results")


def test_a_bundle_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"bundle\.zip: there is no such bundle; give the folder"):
        read_manifest(tmp_path / "bundle.zip")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="there is no such bundle"):
        read_manifest(tmp_path / "pipe")
    shutil.rmtree(tmp_path)
