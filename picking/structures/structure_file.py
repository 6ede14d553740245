"""The file in which a result keeps the structures of its particle types."""

import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picking.errors import InputError, in_one_line
from picking.files.tables import REMAKE
from picking.files.whole_files import whole_path
from picking.structures.structure import Structure

DENSITY, VOXEL = "density_zyx", "voxel_size_angstrom"
# More is no file of ours: a bundle of others must not fill the memory with a few compressed bytes.
MOST_BYTES = 2 * 1024**3


def write_structures(path: Path, structures: Mapping[str, Structure]) -> None:
    """Write the structures of particle types as a NumPy archive, whole or not at all."""
    arrays: dict[str, Any] = {}
    for name, structure in structures.items():
        arrays[f"{name}/{DENSITY}"] = structure.density_zyx
        arrays[f"{name}/{VOXEL}"] = np.array(structure.voxel_size_angstrom, dtype=np.float64)
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    with whole_path(path) as unfinished:
        unfinished.write_bytes(content.getvalue())


def read_structures(path: Path) -> dict[str, Structure]:
    """Read what :func:`write_structures` wrote.

    Parameters
    ----------
    path : Path
        ``results/NAME/structures.npz``.

    Returns
    -------
    dict of str to Structure
        One for each particle type that has one.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    try:
        with zipfile.ZipFile(path) as content:
            if sum(entry.file_size for entry in content.infolist()) > MOST_BYTES:
                raise ValueError(f"more than {MOST_BYTES} bytes")
        with np.load(path, allow_pickle=False) as archive:
            names = [key.removesuffix(f"/{DENSITY}") for key in archive if key.endswith(DENSITY)]
            return {
                name: _checked(archive[f"{name}/{DENSITY}"], archive[f"{name}/{VOXEL}"])
                for name in names
            }
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})", REMAKE) from None
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(path, f"holds no structures ({in_one_line(error)})", REMAKE) from None


def _checked(density_zyx: NDArray[Any], voxel_size_angstrom: NDArray[Any]) -> Structure:
    side = len(density_zyx) if density_zyx.ndim else 0
    if density_zyx.shape != (side,) * 3 or side % 2 == 0 or density_zyx.dtype != np.float32:
        raise ValueError(f"a density of {density_zyx.dtype} of shape {density_zyx.shape}")
    if not (np.isfinite(density_zyx).all() and density_zyx.any()):
        raise ValueError("a density that is not finite, or empty")
    if voxel_size_angstrom.shape != () or voxel_size_angstrom.dtype != np.float64:
        raise ValueError("a voxel size that is no number")
    if not 0 < voxel_size_angstrom < np.inf:
        raise ValueError(f"a voxel size of {voxel_size_angstrom} Å")
    return Structure(density_zyx, float(voxel_size_angstrom))
