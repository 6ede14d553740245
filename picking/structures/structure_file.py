"""The file in which a result keeps the structures of its particle types."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from picking.errors import InputError
from picking.files.tables import REMAKE
from picking.files.whole_files import whole_path
from picking.structures.structure import Structure

DENSITY, VOXEL = "density_zyx", "voxel_size_angstrom"


def write_structures(path: Path, structures: Mapping[str, Structure]) -> None:
    """Write the structures of particle types as a NumPy archive, whole or not at all."""
    arrays: dict[str, Any] = {}
    for name, structure in structures.items():
        arrays[f"{name}/{DENSITY}"] = structure.density_zyx
        arrays[f"{name}/{VOXEL}"] = np.array(structure.voxel_size_angstrom)
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    with whole_path(path) as unfinished:
        unfinished.write_bytes(content.getvalue())


def read_structures(path: Path) -> dict[str, Structure]:
    """Read what :func:`write_structures` wrote: a structure for each type that has one.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = [key.removesuffix(f"/{DENSITY}") for key in archive if key.endswith(DENSITY)]
            return {
                name: Structure(
                    archive[f"{name}/{DENSITY}"].astype(np.float32),
                    float(archive[f"{name}/{VOXEL}"]),
                )
                for name in names
            }
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})", REMAKE) from None
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(path, f"holds no structures ({error})", REMAKE) from None
