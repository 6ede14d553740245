"""By what a tomogram that has been replaced or mended is noticed, without reading it."""

import hashlib
from pathlib import Path

# Metadata of an OME-Zarr tomogram: written with every copy of it, few against its chunks.
METADATA = (".zattrs", "0/.zarray")


def stamp_of(folder: Path) -> str:
    """Time and size of a tomogram's metadata files, by which a replaced tomogram is noticed.

    A folder that is moved keeps its stamp.

    Parameters
    ----------
    folder : Path
        Folder of the tomogram.

    Returns
    -------
    str
        Empty if it is not on this machine.
    """
    found = [path.stat() for name in METADATA if (path := Path(folder, name)).is_file()]
    return " ".join(f"{one.st_mtime_ns}:{one.st_size}" for one in found)


def digest_of(folder: Path | None) -> str:
    """Digest of the names, sizes and times of all files of a tomogram.

    A folder that is moved keeps its digest.

    Parameters
    ----------
    folder : Path or None
        Folder of the tomogram; None if there is none.

    Returns
    -------
    str
        Empty if the tomogram is elsewhere, not on this machine.
    """
    if folder is None:
        files = []
    elif Path(folder).is_dir():
        files = sorted(Path(folder).rglob("*"))
    else:
        return ""
    listing = [
        (str(path.relative_to(str(folder))), path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in files
    ]
    return hashlib.sha256(repr(listing).encode()).hexdigest()
