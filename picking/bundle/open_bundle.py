"""A bundle that is open for reading: a folder or a zip file, of which nothing is believed."""

import hashlib
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from zlib import error as zlib_error

from pydantic import ValidationError

from picking.bundle.manifest import MANIFEST_NAME, BundledFile, BundleManifest
from picking.errors import InputError, in_one_line
from picking.files.whole_files import whole_path

# A manifest lists some hundred files; more than this is no manifest.
MOST_MANIFEST_BYTES = 16 * 2**20
# No network or model of ours comes near; nothing larger is unpacked.
MOST_FILE_BYTES = 4 * 2**30
READ_BYTES = 2**20
# What a damaged or odd archive makes zipfile raise.
ZIP_ERRORS = (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, RuntimeError, KeyError)


class Bundle:
    """A bundle and its manifest.

    Parameters
    ----------
    path : Path
        Folder, or zip file.
    archive : ZipFile or None
        The open zip file; None for a folder.
    """

    def __init__(self, path: Path, archive: zipfile.ZipFile | None) -> None:
        self.path = path
        self._archive = archive
        try:
            self.manifest = BundleManifest.model_validate_json(self._manifest_text())
        except ValidationError as error:
            raise InputError(
                self.path / MANIFEST_NAME,
                f"{BundleManifest.PROBLEM} ({in_one_line(error)})",
                "make the bundle again, or use the version of tomosieve that made it",
            ) from None

    def copy(self, name: str, target: Path) -> None:
        """Write a file of the bundle to ``target``, if it is what the manifest says.

        Parameters
        ----------
        name : str
            Its path in the bundle, one of the manifest's ``files``.
        target : Path
            File to write, whole or not at all.

        Raises
        ------
        InputError
            If it is missing, or its size or its checksum are not those of the manifest.
        """
        expected = self.manifest.files[name]
        where = f"{self.path}/{name}"
        if expected.bytes > MOST_FILE_BYTES:
            raise InputError(where, f"is announced with {expected.bytes} bytes", "check the bundle")
        with whole_path(target) as unfinished, self._open(name) as source:
            found = _copied(source, unfinished, expected.bytes)
            if found != expected:
                raise InputError(
                    where,
                    "is not the file that the manifest lists (its size or checksum differs)",
                    "copy the bundle again; if it stays so, somebody has changed it",
                )

    def _manifest_text(self) -> bytes:
        with self._open(MANIFEST_NAME) as file:
            content = file.read(MOST_MANIFEST_BYTES + 1)
        if len(content) > MOST_MANIFEST_BYTES:
            raise InputError(
                self.path / MANIFEST_NAME, "is too long for a manifest", "check the bundle"
            )
        return content

    @contextmanager
    def _open(self, name: str) -> Iterator[BinaryIO]:
        where = f"{self.path}/{name}"
        try:
            if self._archive is None:
                path = self.path / name
                # A pipe or a device would never end.
                if not stat.S_ISREG(path.stat().st_mode):
                    raise InputError(where, "is no file", "copy the bundle again")
                with path.open("rb") as file:
                    yield file
            else:
                with self._archive.open(name) as member:
                    yield member  # type: ignore[misc]  # a binary stream for reading
        except (*ZIP_ERRORS, FileNotFoundError, NotADirectoryError, zlib_error) as error:
            raise InputError(
                where, f"cannot be read ({in_one_line(error)})", "copy the bundle again"
            ) from None


@contextmanager
def open_bundle(path: Path) -> Iterator[Bundle]:
    """Open a bundle.

    Parameters
    ----------
    path : Path
        Folder that holds ``manifest.json``, or a zip file of such a folder's content.

    Yields
    ------
    Bundle

    Raises
    ------
    InputError
        If there is no such bundle or this version cannot use it.
    """
    path = Path(path)
    if path.is_dir():
        yield Bundle(path, None)
        return
    if not path.is_file():
        raise InputError(path, "there is no such bundle", BundleManifest.IF_MISSING)
    try:
        archive = zipfile.ZipFile(path)
    except ZIP_ERRORS as error:
        raise InputError(
            path, f"is no zip file ({in_one_line(error)})", BundleManifest.IF_MISSING
        ) from None
    with archive:
        yield Bundle(path, archive)


def read_manifest(path: Path) -> BundleManifest:
    """Read the manifest of a bundle.

    Raises
    ------
    InputError
        As :func:`open_bundle`.
    """
    with open_bundle(path) as bundle:
        return bundle.manifest


def _copied(source: BinaryIO, target: Path, announced: int) -> BundledFile:
    """Copy at most one byte more than announced; say what was copied."""
    digest = hashlib.sha256()
    copied = 0
    with target.open("wb") as file:
        while copied <= announced:
            part = source.read(min(READ_BYTES, announced + 1 - copied))
            if not part:
                break
            digest.update(part)
            file.write(part)
            copied += len(part)
    return BundledFile(bytes=copied, sha256=digest.hexdigest())
