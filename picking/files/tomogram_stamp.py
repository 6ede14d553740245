"""A stamp of a tomogram's files, cheap enough to be compared at every start."""

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
    try:
        found = [Path(folder, name).stat() for name in METADATA]
    except OSError:
        return ""
    return " ".join(f"{one.st_mtime_ns}:{one.st_size}" for one in found)
