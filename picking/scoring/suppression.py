"""Suppression of duplicates: of close neighbours only the best one stays."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import KDTree


def suppress(
    positions_xyz_angstrom: ArrayLike, scores: ArrayLike, distance_angstrom: float
) -> NDArray[np.bool_]:
    """Keep the best first, and drop what is closer than the distance to something kept.

    Equal scores go in the order of x, then y, then z, so that the answer does not depend on the
    order of the rows.

    Parameters
    ----------
    positions_xyz_angstrom : array_like, (n, 3)
        Positions xyz in Å.
    scores : array_like, (n,)
        The higher the better.
    distance_angstrom : float
        Least distance of two positions that both stay; at exactly this distance both do.

    Returns
    -------
    ndarray, (n,), bool
        True where a position stays.
    """
    positions = np.asarray(positions_xyz_angstrom, dtype=np.float64).reshape(-1, 3)
    keep = np.ones(len(positions), dtype=np.bool_)
    if len(positions) == 0:
        return keep
    x, y, z = positions.T
    best_first = np.lexsort((z, y, x, -np.asarray(scores, dtype=np.float64)))
    ordered = positions[best_first]
    pairs = KDTree(ordered).query_pairs(distance_angstrom, output_type="ndarray")
    apart = np.linalg.norm(ordered[pairs[:, 0]] - ordered[pairs[:, 1]], axis=1)
    pairs = np.sort(pairs[apart < distance_angstrom], axis=1)
    pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
    first_pair = np.searchsorted(pairs[:, 0], np.arange(len(positions) + 1))
    stays = np.ones(len(positions), dtype=np.bool_)
    # Whether a position stays is settled by the time its own turn comes: all that can drop it are
    # better ones.
    for rank in range(len(positions)):
        if stays[rank]:
            stays[pairs[first_pair[rank] : first_pair[rank + 1], 1]] = False
    keep[best_first] = stays
    return keep
