"""The only place that turns zyx into xyz, or voxels into Å.

Arrays of voxels are indexed zyx; positions are xyz in Å. Voxel ``i`` has its centre at
``i * voxel_size``: the convention of copick and of the CZII picks. A score map with output stride
``s`` has its voxel ``j`` over the full-size voxels ``s*j ... s*j + s - 1``, so that its centre
lies at full-size index ``s*j + (s - 1)/2``.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def indices_zyx_to_angstrom_xyz(
    indices_zyx: ArrayLike, voxel_size_zyx_angstrom: ArrayLike, stride: int = 1
) -> NDArray[np.float64]:
    """Turn (fractional) voxel indices into positions.

    Parameters
    ----------
    indices_zyx : array_like, (n, 3)
        Voxel indices, fractions allowed, of a volume with the given stride.
    voxel_size_zyx_angstrom : array_like, (3,)
        Size in Å of a full-size voxel.
    stride : int
        Full-size voxels a side for each voxel of the indexed volume (1 for the tomogram itself).

    Returns
    -------
    ndarray, (n, 3), float64
        Positions xyz in Å.
    """
    indices = np.asarray(indices_zyx, dtype=np.float64).reshape(-1, 3)
    full_size_indices = indices * stride + (stride - 1) / 2
    positions_zyx = full_size_indices * np.asarray(voxel_size_zyx_angstrom, dtype=np.float64)
    return np.ascontiguousarray(positions_zyx[:, ::-1])


def angstrom_xyz_to_indices_zyx(
    positions_xyz_angstrom: ArrayLike, voxel_size_zyx_angstrom: ArrayLike, stride: int = 1
) -> NDArray[np.float64]:
    """Turn positions into fractional voxel indices, undoing :func:`indices_zyx_to_angstrom_xyz`.

    Parameters
    ----------
    positions_xyz_angstrom : array_like, (n, 3)
        Positions xyz in Å.
    voxel_size_zyx_angstrom : array_like, (3,)
        Size in Å of a full-size voxel.
    stride : int
        Full-size voxels a side for each voxel of the indexed volume.

    Returns
    -------
    ndarray, (n, 3), float64
        Fractional indices zyx.
    """
    positions = np.asarray(positions_xyz_angstrom, dtype=np.float64).reshape(-1, 3)
    full_size_indices = positions[:, ::-1] / np.asarray(voxel_size_zyx_angstrom, dtype=np.float64)
    indices: NDArray[np.float64] = (full_size_indices - (stride - 1) / 2) / stride
    return indices


def angstrom_xyz_to_voxels_xyz(
    positions_xyz_angstrom: ArrayLike, voxel_size_zyx_angstrom: ArrayLike
) -> NDArray[np.float64]:
    """Turn positions into fractional voxel indices in the order that other software writes them.

    Parameters
    ----------
    positions_xyz_angstrom : array_like, (n, 3)
        Positions xyz in Å.
    voxel_size_zyx_angstrom : array_like, (3,)
        Size in Å of a voxel.

    Returns
    -------
    ndarray, (n, 3), float64
        Fractional indices xyz; the first voxel has its centre at 0.
    """
    indices_zyx = angstrom_xyz_to_indices_zyx(positions_xyz_angstrom, voxel_size_zyx_angstrom)
    return np.ascontiguousarray(indices_zyx[:, ::-1])


def centred_xyz_angstrom(
    positions_xyz_angstrom: ArrayLike,
    shape_zyx: tuple[int, int, int],
    voxel_size_zyx_angstrom: ArrayLike,
) -> NDArray[np.float64]:
    """Turn positions into those from the middle of the tomogram, as RELION 5 counts them.

    RELION 5 takes half the size for the middle, thus the voxel with the index n/2 of an even side
    (``TomogramSet::loadTomogram``, ``ParticleSet::getParticleCoordDecenteredPixel``).

    Parameters
    ----------
    positions_xyz_angstrom : array_like, (n, 3)
        Positions xyz in Å.
    shape_zyx : tuple of int, (3,)
        Voxels of the tomogram.
    voxel_size_zyx_angstrom : array_like, (3,)
        Size in Å of a voxel.

    Returns
    -------
    ndarray, (n, 3), float64
        Positions xyz in Å from the middle.
    """
    positions = np.asarray(positions_xyz_angstrom, dtype=np.float64).reshape(-1, 3)
    middle_zyx = np.asarray(shape_zyx, dtype=np.float64) / 2
    centred: NDArray[np.float64] = (
        positions - indices_zyx_to_angstrom_xyz(middle_zyx, voxel_size_zyx_angstrom)[0]
    )
    return centred


def extent_xyz_angstrom(
    shape_zyx: tuple[int, int, int], voxel_size_zyx_angstrom: ArrayLike
) -> NDArray[np.float64]:
    """Position xyz in Å, (3,), of the last voxel of a tomogram of the given shape."""
    last_zyx = np.asarray(shape_zyx, dtype=np.float64) - 1
    extent: NDArray[np.float64] = indices_zyx_to_angstrom_xyz(last_zyx, voxel_size_zyx_angstrom)[0]
    return extent


def volume_cubic_angstrom(shape_zyx: tuple[int, ...], voxel_size_zyx_angstrom: ArrayLike) -> float:
    """Volume of a tomogram of the given shape, Å³."""
    sides = np.asarray(shape_zyx, dtype=np.float64) * np.asarray(voxel_size_zyx_angstrom)
    return float(np.prod(sides))
