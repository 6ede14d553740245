"""A bundle that is open for reading: a folder or a zip file, of which nothing is believed."""

import hashlib
import json
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
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
# Of a version that an error names.
LONGEST_VERSION = 40
# How a file of an archive may be packed: what is packed otherwise, zipfile may unpack all at once.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
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
        text = self._manifest_text()
        try:
            self.manifest = BundleManifest.model_validate_json(text)
        except ValidationError as error:
            raise InputError(
                self.path / MANIFEST_NAME,
                f"{BundleManifest.PROBLEM} ({in_one_line(error)}; {made_by(text)})",
                "use the version of tomosieve that made it, or make the bundle again",
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
        digest = hashlib.sha256()
        copied = 0
        with whole_path(target) as unfinished:
            with unfinished.open("wb") as file:
                # One byte more would show that it is longer; it is not written.
                for part in self._parts(name, expected.bytes + 1):
                    copied += len(part)
                    if copied > expected.bytes:
                        break
                    digest.update(part)
                    file.write(part)
            if BundledFile(bytes=copied, sha256=digest.hexdigest()) != expected:
                raise InputError(
                    where,
                    "is not the file that the manifest lists (its size or checksum differs)",
                    "copy the bundle again; if it stays so, somebody has changed it",
                )

    def _manifest_text(self) -> bytes:
        content = b"".join(self._parts(MANIFEST_NAME, MOST_MANIFEST_BYTES + 1))
        if len(content) > MOST_MANIFEST_BYTES:
            raise InputError(
                self.path / MANIFEST_NAME, "is too long for a manifest", "check the bundle"
            )
        return content

    def _parts(self, name: str, most: int) -> Iterator[bytes]:
        """Read the first ``most`` bytes of a file; only what goes wrong in here is its fault."""
        try:
            with self._opened(name) as source:
                while most and (part := source.read(min(READ_BYTES, most))):
                    most -= len(part)
                    yield part
        except (*ZIP_ERRORS, OSError, zlib_error) as error:
            raise InputError(
                f"{self.path}/{name}",
                f"cannot be read ({in_one_line(error)})",
                "copy the bundle again",
            ) from None

    def _opened(self, name: str) -> IO[bytes]:
        if self._archive is None:
            path = self.path / name
            # A pipe or a device would never end.
            if not stat.S_ISREG(path.stat().st_mode):
                raise InputError(path, "is no file", "copy the bundle again")
            return path.open("rb")
        member = self._archive.getinfo(name)
        if member.compress_type not in METHODS:
            raise NotImplementedError("neither stored nor deflated")
        return self._archive.open(member)


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
    except (*ZIP_ERRORS, OSError) as error:
        raise InputError(
            path, f"is no zip file ({in_one_line(error)})", BundleManifest.IF_MISSING
        ) from None
    with archive:
        yield Bundle(path, archive)


def read_manifest(path: Path) -> BundleManifest:
    """Read the manifest of a bundle.

    Parameters
    ----------
    path : Path
        Folder that holds ``manifest.json``, or a zip file of such a folder's content.

    Returns
    -------
    BundleManifest

    Raises
    ------
    InputError
        If there is no such bundle or this version cannot use it.
    """
    with open_bundle(path) as bundle:
        return bundle.manifest


def made_by(manifest: bytes) -> str:
    """Say which version made a manifest that cannot be used, as far as it says so."""
    try:
        version = json.loads(manifest)["made_by"]["tomosieve"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return "it does not say what made it"
    return f"made by tomosieve {str(version)[:LONGEST_VERSION]}"
