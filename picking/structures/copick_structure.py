"""The density map of a copick project's object, if it has one."""

from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from picking.errors import InputError
from picking.files.copick_project import open_project, remote_errors
from picking.structures.read_structure import structure_of
from picking.structures.structure import Structure

FULL_SIZE = "0"
MULTISCALES, DATASETS, TRANSFORMATIONS = "multiscales", "datasets", "coordinateTransformations"


def copick_structure(copick_config: Path, particle_type: str) -> Structure | None:
    """Read the density map of an object.

    Parameters
    ----------
    copick_config : Path
        The user's copick configuration.
    particle_type : str
        Name of the object.

    Returns
    -------
    Structure or None
        None if there is no such object, or it has no map.

    Raises
    ------
    InputError
        If its map cannot be used.
    """
    with remote_errors(copick_config):
        found = open_project(copick_config).get_object(particle_type)
        store = None if found is None or not _has_map(found) else found.zarr()
        if found is None or store is None or not len(store):
            return None
        where = f"{copick_config}, density map of {particle_type}"
        try:
            density_zyx, voxel_angstrom = _read(store)
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise InputError(
                where,
                f"is not an OME-Zarr map ({error!r})",
                "write it again with copick, or give the type a `structure`",
            ) from None
    return structure_of(density_zyx, voxel_angstrom, where, found.map_threshold)


def _has_map(found: Any) -> bool:
    """Look whether there is a map: copick would begin one in a project that can be written to."""
    if not found.is_particle or found.read_only:
        return bool(found.is_particle)
    # The data portal's objects name the one place that they are in otherwise.
    files = getattr(found, "fs_overlay", None) or found.fs
    return bool(files.exists(getattr(found, "overlay_path", None) or found.path))


def _read(store: object) -> tuple[NDArray[np.float32], float]:
    group = zarr.open_group(store, mode="r")
    (first,) = group.attrs[MULTISCALES][0][DATASETS][:1]
    scale = first[TRANSFORMATIONS][0]["scale"]
    return np.asarray(group[FULL_SIZE][:], dtype=np.float32), float(np.mean(scale))
