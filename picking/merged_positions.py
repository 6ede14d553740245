"""One list of particles from the picks of several people, who found many of the same."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree


def merged_positions(
    sets_xyz: Sequence[NDArray[np.float64]], distance: float
) -> NDArray[np.float64]:
    """Join sets of positions; what two sets have at one place becomes one position.

    Within a set nothing is joined: that two picks of one person are two particles is what that
    person says. Pairs are one-to-one, the closest first.

    Parameters
    ----------
    sets_xyz : sequence of ndarray, (n, 3), float64
        Positions xyz, a set for each person, in any unit.
    distance : float
        Positions of different sets that are closer than this are of one particle.

    Returns
    -------
    ndarray, (m, 3), float64
        Those of the first set first, then what each further set adds. A position that several sets
        have is the mean of theirs.
    """
    sums = np.zeros((0, 3))
    numbers = np.zeros(0, dtype=np.int64)
    for positions in sets_xyz:
        known, new = _pairs(sums / numbers[:, None], positions, distance)
        sums[known] += positions[new]
        numbers[known] += 1
        alone = np.delete(np.arange(len(positions)), new)
        sums = np.concatenate([sums, positions[alone]])
        numbers = np.concatenate([numbers, np.ones(len(alone), dtype=np.int64)])
    return sums / numbers[:, None]


def _pairs(
    one_xyz: NDArray[np.float64], other_xyz: NDArray[np.float64], distance: float
) -> tuple[list[int], list[int]]:
    """Find one-to-one pairs that are closer than a distance, the closest first; their indices."""
    if not len(one_xyz) or not len(other_xyz):
        return [], []
    near = KDTree(one_xyz).query_ball_tree(KDTree(other_xyz), distance)
    found = sorted(
        (apart, index, number)
        for index, numbers in enumerate(near)
        for number in numbers
        if (apart := float(np.linalg.norm(one_xyz[index] - other_xyz[number]))) < distance
    )
    ones: dict[int, int] = {}
    others: set[int] = set()
    for _, index, number in found:
        if index not in ones and number not in others:
            ones[index] = number
            others.add(number)
    return list(ones), list(ones.values())
