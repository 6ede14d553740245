"""By what a tomogram that has been replaced or mended is noticed, without reading it."""

import hashlib
import json
from pathlib import Path

# Metadata of an OME-Zarr tomogram: written with every copy of it, few against its chunks.
METADATA = (".zattrs", "0/.zarray")
# Attribute of a tomogram that is a view of an MRC file: the path of the file.
VIEWED_FILE = "tomosieve_mrc_file"
# Between the stamps of a tomogram and of its mask.
BEFORE_MASK = " mask "


def stamp_of(tomogram: Path) -> str:
    """Time and size of a tomogram's metadata files, by which a replaced tomogram is noticed.

    A tomogram that is moved keeps its stamp.

    Parameters
    ----------
    tomogram : Path
        Folder of the tomogram, or an MRC file; a view of an MRC file has the file's stamp.

    Returns
    -------
    str
        Empty if it is not on this machine.
    """
    file = _mrc_file(tomogram)
    paths = [Path(tomogram, name) for name in METADATA] if file is None else [file]
    found = [path.stat() for path in paths if path.is_file()]
    return " ".join(f"{one.st_mtime_ns}:{one.st_size}" for one in found)


def with_mask(tomogram_stamp: str, mask_stamp: str) -> str:
    """Join the stamps of a run's tomogram and of its mask, which is empty where there is none."""
    return f"{tomogram_stamp}{BEFORE_MASK}{mask_stamp}" if mask_stamp else tomogram_stamp


def is_another(before: str, now: str) -> bool:
    """Whether a run's tomogram or mask has another stamp now; a tomogram elsewhere has none."""
    tomogram_before, _, mask_before = before.partition(BEFORE_MASK)
    tomogram_now, _, mask_now = now.partition(BEFORE_MASK)
    return mask_before != mask_now or (tomogram_now != "" and tomogram_before != tomogram_now)


def digest_of(tomogram: Path | None) -> str:
    """Digest of the names, sizes and times of all files of a tomogram.

    A tomogram that is moved keeps its digest.

    Parameters
    ----------
    tomogram : Path or None
        Folder of the tomogram, or an MRC file; None if there is none. A view of an MRC file has the
        file's digest.

    Returns
    -------
    str
        Empty if the tomogram is elsewhere, not on this machine.
    """
    file = None if tomogram is None else _mrc_file(tomogram)
    if tomogram is None:
        files, root = [], Path()
    elif file is not None:
        files, root = [file], file.parent
    elif Path(tomogram).is_dir():
        files, root = sorted(Path(tomogram).rglob("*")), tomogram
    else:
        return ""
    listing = [
        (str(path.relative_to(str(root))), path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in files
    ]
    return hashlib.sha256(repr(listing).encode()).hexdigest()


def _mrc_file(tomogram: Path) -> Path | None:
    """MRC file that a path is, or that its folder is a view of; None for other tomograms."""
    path = Path(tomogram)
    file = path if path.is_file() else _viewed_file(path)
    return file if file is not None and file.is_file() else None


def _viewed_file(folder: Path) -> Path | None:
    """Find the MRC file that a tomogram is a view of; None if it is none."""
    try:
        attributes = json.loads((Path(folder) / ".zattrs").read_text(encoding="utf-8"))
        source = attributes.get(VIEWED_FILE)
    except (OSError, ValueError, AttributeError):
        return None
    return Path(source) if isinstance(source, str) else None
