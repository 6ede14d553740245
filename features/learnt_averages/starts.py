"""Orientations that an alignment starts from, as long as there is nothing to compare with."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from features.learnt_averages.picked_cubes import PickedCubes
from features.learnt_averages.poses import Poses, unshifted


def by_dark_mass(cubes: Sequence[PickedCubes], radius_angstrom: float) -> list[Poses]:
    """Turn every pick so that the principal axes of its dark mass agree.

    The missing wedge draws everything out in one direction. What the moments of all picks have in
    common is therefore taken from each: particles that lie in all directions have nothing in
    common.

    Parameters
    ----------
    cubes : sequence of PickedCubes
        The picks, run by run.
    radius_angstrom : float
        Mass within this distance of a pick counts, Å.

    Returns
    -------
    list of Poses
        In the order of ``cubes``; without shifts.
    """
    moments = [_moments(of_run, radius_angstrom) for of_run in cubes]
    common = np.concatenate([second for second, _ in moments]).mean(axis=0)
    turns = [
        np.array([_axes(*pair) for pair in zip(second - common, third, strict=True)])
        for second, third in moments
    ]
    return [unshifted(of_run.reshape(-1, 3, 3)) for of_run in turns]


def by_chance(cubes: Sequence[PickedCubes], seed: int) -> list[Poses]:
    """Turn every pick at random: their average is nearly the spherical mean."""
    rng = np.random.default_rng(seed)
    return [unshifted(Rotation.random(len(of_run), rng=rng).as_matrix()) for of_run in cubes]


def _moments(
    cubes: PickedCubes, radius_angstrom: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Second and third moments of the dark mass of n cubes: (n, 3, 3) and (n, 3, 3, 3), xyz."""
    side = cubes.values_nzyx.shape[1]
    axis = (np.arange(side) - side // 2) * cubes.voxel_angstrom
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    inside = x**2 + y**2 + z**2 <= radius_angstrom**2
    points = np.stack([x[inside], y[inside], z[inside]], axis=1)  # (P, 3) xyz Å
    mass = np.maximum(-cubes.values_nzyx[:, inside], 0).astype(np.float64)  # (n, P)
    mass /= mass.sum(axis=1, keepdims=True) + np.finfo(np.float64).tiny
    # About the pick: the centre of so noisy a mass is further from the particle's.
    pairs = np.einsum("pi,pj->pij", points, points).reshape(len(points), -1)  # (P, 9)
    second = (mass @ pairs).reshape(-1, 3, 3)
    third = np.stack([(mass * points[:, k]) @ pairs for k in range(3)], axis=-1)  # (n, 9, 3)
    third = third.reshape(-1, 3, 3, 3)
    return second, third


def _axes(second: NDArray[np.float64], third: NDArray[np.float64]) -> NDArray[np.float64]:
    """Principal axes as the columns of a rotation, (3, 3); each points to its longer end."""
    _, axes = np.linalg.eigh(second)
    for column in (2, 1):
        axis = axes[:, column]
        if np.einsum("ijk,i,j,k", third, axis, axis, axis) < 0:
            axes[:, column] = -axis
    axes[:, 0] = np.cross(axes[:, 1], axes[:, 2])
    return axes
