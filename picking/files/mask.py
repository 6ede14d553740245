"""The mask of a run in a result: where picks count, on the voxels of the run's tomogram.

The import writes it into the result's own overlay, as a binary copick segmentation by tomosieve,
whatever it was given as; later jobs read it here.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from picking.config.picks import OUR_SESSION_ID, OUR_USER_ID
from picking.coordinates import angstrom_xyz_to_indices_zyx, indices_zyx_to_angstrom_xyz
from picking.errors import InputError
from picking.files.copick_project import (
    LOCAL_PROTOCOLS,
    RUNS_FOLDER,
    is_local,
    read_config,
)
from picking.files.ome_zarr import open_pyramid, read_nonzero

MASK_NAME = "mask"
# Attributes of ours in the segmentation's metadata.
STAMP, SHARE_INSIDE = "tomosieve_mask_stamp", "tomosieve_share_inside"
REIMPORT = "import the data again: add --forcerun import_training_runs import_test_runs"
# Slices that make a chunk: few files, none too large for a viewer.
CHUNK_SLICES = 64


@dataclass(frozen=True)
class Mask:
    """Where picks count in a run.

    Parameters
    ----------
    inside_zyx : ndarray, (Z, Y, X), bool
        Whether picks count, for each voxel of the tomogram as it is stored.
    voxel_size_zyx_angstrom : ndarray, (3,), float64
        Size of such a voxel, Å.
    """

    inside_zyx: NDArray[np.bool_]
    voxel_size_zyx_angstrom: NDArray[np.float64]

    @property
    def share_inside(self) -> float:
        """Share of the tomogram's voxels in which picks count."""
        return float(self.inside_zyx.mean())

    def holds(self, positions_xyz_angstrom: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say of each position, (n, 3) xyz Å, whether its nearest voxel is inside."""
        indices = angstrom_xyz_to_indices_zyx(positions_xyz_angstrom, self.voxel_size_zyx_angstrom)
        voxels = self._nearest(indices)
        found: NDArray[np.bool_] = self.inside_zyx[tuple(voxels.T)]
        return found

    def on_map(
        self,
        shape_zyx: tuple[int, int, int],
        voxel_size_zyx_angstrom: NDArray[np.float64],
        stride: int,
    ) -> NDArray[np.bool_]:
        """Say of each voxel of a map whether its centre is inside.

        Parameters
        ----------
        shape_zyx : tuple of int
            Voxels of the map.
        voxel_size_zyx_angstrom : ndarray, (3,)
            Size of a voxel of the tomogram that the map is of, which may have been resampled.
        stride : int
            Such voxels a side for each voxel of the map.

        Returns
        -------
        ndarray, (Z, Y, X), bool
        """
        longest = np.arange(max(shape_zyx))
        diagonal = np.stack([longest] * 3, axis=1)  # (n, 3): the axes are looked at one by one
        positions = indices_zyx_to_angstrom_xyz(diagonal, voxel_size_zyx_angstrom, stride)
        indices = angstrom_xyz_to_indices_zyx(positions, self.voxel_size_zyx_angstrom)
        z, y, x = (
            of_axis[:side]
            for of_axis, side in zip(self._nearest(indices).T, shape_zyx, strict=True)
        )
        return self.inside_zyx[np.ix_(z, y, x)]

    def _nearest(self, indices_zyx: NDArray[np.float64]) -> NDArray[np.int64]:
        """Voxels (n, 3) nearest to fractional indices; beyond the border, those at the border."""
        voxels = np.floor(indices_zyx + 0.5).astype(np.int64)
        nearest: NDArray[np.int64] = np.clip(voxels, 0, np.array(self.inside_zyx.shape) - 1)
        return nearest


def write_mask(mask: Mask, overlay: Path, run: str, voxel_spacing: float, stamp: str) -> None:
    """Write a run's mask as a copick segmentation.

    Parameters
    ----------
    mask : Mask
        The mask.
    overlay : Path
        Folder of the project's overlay.
    run : str
        Name of the run.
    voxel_spacing : float
        copick's voxel spacing of the tomogram, Å.
    stamp : str
        By what a changed mask is noticed; see :func:`mask_stamp`.
    """
    group = zarr.open_group(str(_folder(overlay, run, voxel_spacing)), mode="w")
    sides = mask.inside_zyx.shape
    group.create_dataset(
        "0",
        data=mask.inside_zyx.astype(np.uint8),
        chunks=(min(CHUNK_SLICES, sides[0]), *sides[1:]),
        dimension_separator="/",
        write_empty_chunks=True,
    )
    scale = {"type": "scale", "scale": mask.voxel_size_zyx_angstrom.tolist()}
    multiscale = {
        "version": "0.4",
        "name": "/",
        "axes": [{"name": axis, "type": "space", "unit": "angstrom"} for axis in "zyx"],
        "datasets": [{"path": "0", "coordinateTransformations": [scale]}],
    }
    group.attrs.put({"multiscales": [multiscale], STAMP: stamp, SHARE_INSIDE: mask.share_inside})


def read_mask(copick_config: Path, run: str, voxel_spacing: float) -> Mask | None:
    """Read a run's mask.

    Parameters
    ----------
    copick_config : Path
        copick configuration of a result.
    run : str
        Name of the run.
    voxel_spacing : float
        copick's voxel spacing of its tomogram, Å.

    Returns
    -------
    Mask or None
        None if the run has no mask: picks count everywhere.

    Raises
    ------
    InputError
        If it is damaged.
    """
    overlay = _local_overlay(copick_config)
    return None if overlay is None else read_mask_in(overlay, run, voxel_spacing)


def read_mask_in(overlay: Path, run: str, voxel_spacing: float) -> Mask | None:
    """Read a run's mask from an overlay; as :func:`read_mask`."""
    folder = _folder(overlay, run, voxel_spacing)
    if STAMP not in _attributes_of(folder):
        return None
    try:
        pyramid = open_pyramid(zarr.DirectoryStore(str(folder)), str(folder), voxel_spacing)
        inside_zyx = read_nonzero(pyramid.full_size, pyramid.location)
    except InputError:
        raise _damaged(folder) from None
    return Mask(inside_zyx, pyramid.voxel_size_zyx_angstrom)


def mask_stamp(copick_config: Path, run: str, voxel_spacing: float) -> str:
    """Stamp of what a run's mask was imported from; empty if the run has none."""
    return str(_attributes(copick_config, run, voxel_spacing).get(STAMP, ""))


def share_inside(copick_config: Path, run: str, voxel_spacing: float) -> float:
    """Share of a run's tomogram in which picks count; 1 if the run has no mask."""
    return float(_attributes(copick_config, run, voxel_spacing).get(SHARE_INSIDE, 1.0))


def _attributes(copick_config: Path, run: str, voxel_spacing: float) -> dict[str, Any]:
    overlay = _local_overlay(copick_config)
    return {} if overlay is None else _attributes_of(_folder(overlay, run, voxel_spacing))


def _attributes_of(folder: Path) -> dict[str, Any]:
    """Metadata of a mask; none where there is none. What a person has written lacks ours."""
    if not (folder / ".zattrs").is_file():
        return {}
    try:
        found: dict[str, Any] = zarr.open_group(str(folder), mode="r").attrs.asdict()
    except (OSError, ValueError, KeyError):
        raise _damaged(folder) from None
    return found


def _damaged(folder: Path) -> InputError:
    return InputError(folder, "is damaged, which the import wrote as the run's mask", REIMPORT)


def _local_overlay(copick_config: Path) -> Path | None:
    url = read_config(copick_config).get("overlay_root")
    if not isinstance(url, str) or not is_local(url):
        return None
    for protocol in LOCAL_PROTOCOLS:
        url = url.removeprefix(protocol)
    return Path(url)


def _folder(overlay: Path, run: str, voxel_spacing: float) -> Path:
    """Folder of a run's mask, named as copick does."""
    name = f"{voxel_spacing:.3f}_{OUR_USER_ID}_{OUR_SESSION_ID}_{MASK_NAME}.zarr"
    return Path(overlay) / RUNS_FOLDER / run / "Segmentations" / name
