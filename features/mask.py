"""Mask: how far inside the part of the tomogram in which picks count a candidate stands."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from features.feature import Feature, Measured
from features.run_context import RunContext
from picking.config import FeatureSettings
from picking.coordinates import indices_zyx_to_angstrom_xyz
from picking.files.mask import Mask

# Farther inside, or outside, is all the same.
FARTHEST_ANGSTROM = 1000.0


def declared(settings: FeatureSettings, particle_types: Sequence[str]) -> tuple[Feature, ...]:
    """Features of this family, in the order of the table."""
    meaning = (
        f"distance to the mask's edge, positive inside, at most {FARTHEST_ANGSTROM:g}, as without "
        "a mask"
    )
    return (Feature("mask_depth", "Å", "mask", meaning),)


def measure(run_context: RunContext, settings: FeatureSettings) -> Measured:
    """Measure this family on a run's n candidates; values (n,) by feature name."""
    positions = run_context.positions_xyz_angstrom
    if run_context.mask is None:
        return {"mask_depth": np.full(len(positions), FARTHEST_ANGSTROM)}
    distances = edge_distances(run_context.mask, positions)
    is_inside = run_context.mask.holds(positions)
    return {"mask_depth": np.where(is_inside, distances, -distances)}


def edge_distances(mask: Mask, positions_xyz_angstrom: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of positions to the edge of a mask.

    The edge is where voxels inside and outside share a face; the middles of these faces are looked
    at, as a distance transform of a full-size tomogram would take gigabytes. The tomogram's border
    is no edge.

    Parameters
    ----------
    mask : Mask
        The mask.
    positions_xyz_angstrom : ndarray, (n, 3), float64
        Positions, Å.

    Returns
    -------
    ndarray, (n,), float64
        Å, at most FARTHEST_ANGSTROM.
    """
    middles = np.concatenate([_faces_across(mask, axis) for axis in range(3)])
    if not len(middles):
        return np.full(len(positions_xyz_angstrom), FARTHEST_ANGSTROM)
    distances, _ = cKDTree(middles).query(
        positions_xyz_angstrom, distance_upper_bound=FARTHEST_ANGSTROM
    )
    return np.minimum(distances, FARTHEST_ANGSTROM)  # infinite if none is so near


def _faces_across(mask: Mask, axis: int) -> NDArray[np.float64]:
    """Middles (n, 3) xyz Å of the edge's faces that a zyx axis passes through."""
    lower_zyx = np.argwhere(np.diff(mask.inside_zyx, axis=axis)).astype(np.float64)
    lower_zyx[:, axis] += 0.5
    return indices_zyx_to_angstrom_xyz(lower_zyx, mask.voxel_size_zyx_angstrom)
