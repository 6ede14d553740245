"""The average of picks in their poses, each counted where its tilt series recorded something."""

from collections.abc import Sequence

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy import ndimage

from features.learnt_averages.picked_cubes import (
    FADE_ANGSTROM,
    PickedCubes,
    reach_of,
    steps_to_reach,
)
from features.learnt_averages.poses import Poses
from features.template_matching.bank import BOX_FACTOR, PADDING, grid_stride
from features.template_matching.whitening import FINEST_ANGSTROM, POWER_SHELLS, frequencies
from picking.structures.structure import Structure

# Voxels of an average, Å: half of what its finest detail asks for, so that it can be read between
# them.
AVERAGE_VOXEL_ANGSTROM = FINEST_ANGSTROM / 4
# A shell of frequencies holds at least this share of signal: none is divided by zero.
SMALLEST_SHARE = 1e-3


def fourier_average(
    cubes: Sequence[PickedCubes],
    poses: Sequence[Poses],
    radius_angstrom: float,
    finest_angstrom: float = FINEST_ANGSTROM,
) -> Structure:
    """Average picks, frequency by frequency, over those that recorded it.

    The sum is divided by the number of picks that recorded a frequency, and by as many more as
    bring its shell of frequencies to the power of what the picks have in common (Wiener's filter).

    Parameters
    ----------
    cubes : sequence of PickedCubes
        The picks, run by run.
    poses : sequence of Poses
        Theirs, in the same order.
    radius_angstrom : float
        Radius of the particle type, Å; beyond, the average fades out.
    finest_angstrom : float
        Nothing finer is averaged, Å.

    Returns
    -------
    Structure
        High where the tomograms are dark. As these are whitened, it is negative in places.
    """
    half = int(np.ceil(reach_of(radius_angstrom) / AVERAGE_VOXEL_ANGSTROM))
    side = scipy.fft.next_fast_len(int(np.ceil(BOX_FACTOR * (2 * half + 1))), real=True)
    kz, ky, kx = frequencies((side, side, side), np.full(3, AVERAGE_VOXEL_ANGSTROM))
    squared = kz**2 + ky**2 + kx**2
    averaged = squared < finest_angstrom**-2
    averaged[0, 0, 0] = False  # the mean
    k_xyz = np.stack(
        [np.broadcast_to(k, averaged.shape)[averaged] for k in (kx, ky, kz)], axis=1
    )  # (K, 3) xyz 1/Å
    total = np.zeros(len(k_xyz), dtype=np.complex128)
    count = np.zeros(len(k_xyz))
    power = np.zeros(len(k_xyz))
    for of_run, posed in zip(cubes, poses, strict=True):
        window = _window(radius_angstrom, of_run.voxel_angstrom)
        stride = grid_stride(of_run.voxel_angstrom)
        middle = of_run.values_nzyx.shape[1] // 2
        points = (np.arange(len(window)) - len(window) // 2) * stride + middle
        for cube, turn, shift in zip(
            of_run.values_nzyx, posed.turns, posed.shifts_zyx, strict=True
        ):
            # The transform of a particle that is turned is its transform, turned.
            turned = k_xyz @ turn.T
            held = of_run.wedge.holds(turned[:, 2], turned[:, 1], turned[:, 0])
            picked = cube[np.ix_(*(points + step for step in shift))]
            values = _transform_at(
                (picked - picked.mean()) * window, of_run.voxel_angstrom * stride, turned[held]
            )
            total[held] += values
            count[held] += 1
            power[held] += np.abs(values) ** 2
    shells = (np.sqrt(squared[averaged]) * FINEST_ANGSTROM * POWER_SHELLS / 2).astype(np.int64)
    box = np.zeros(averaged.shape, dtype=np.complex128)
    weight = count + _noise_over_signal(total, count, power, shells)[shells]
    # In a shell where picks agree wholly, what none of them recorded has no weight at all.
    box[averaged] = np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
    average = -scipy.fft.irfftn(box, s=(side, side, side))
    # Negative indices count from the end, as the transform does.
    around = np.arange(-half, half + 1)
    average = average[np.ix_(around, around, around)]
    average *= _fading(_distances(half) * AVERAGE_VOXEL_ANGSTROM, radius_angstrom)
    return Structure(average.astype(np.float32), AVERAGE_VOXEL_ANGSTROM)


def _noise_over_signal(
    total: NDArray[np.complex128],
    count: NDArray[np.float64],
    power: NDArray[np.float64],
    shells: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Noise over signal of one pick by shell of frequency.

    Of ``count`` values with a common part of power S and noise of power N, the sum has the power
    ``count² S + count N`` on average, and each the power ``S + N``.
    """

    def in_shell(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.bincount(shells, values), dtype=np.float64)

    number = in_shell(count)
    each = in_shell(power) / np.maximum(number, 1)
    signal = (in_shell(np.abs(total) ** 2) - number * each) / np.maximum(
        in_shell(count**2) - number, 1
    )
    share = np.clip(
        np.divide(signal, each, out=np.zeros_like(signal), where=each > 0), SMALLEST_SHARE, 1
    )
    return np.asarray((1 - share) / share)


def _transform_at(
    values_zyx: NDArray[np.float32], step_angstrom: float, k_xyz: NDArray[np.float64]
) -> NDArray[np.complex128]:
    """Transform of a cube about its middle voxel at frequencies (K, 3), 1/Å.

    Values count by their volume, in voxels of an average, so that runs of other voxels agree.
    """
    side = len(values_zyx)
    padded = PADDING * side
    box = np.zeros((padded,) * 3, dtype=np.float32)
    box[:side, :side, :side] = values_zyx
    box = np.roll(box, -(side // 2), axis=(0, 1, 2))
    transform = scipy.fft.fftn(box)
    at = k_xyz[:, ::-1].T * padded * step_angstrom
    real, imaginary = (
        ndimage.map_coordinates(part, at, order=1, mode="grid-wrap")
        for part in (transform.real, transform.imag)
    )
    volume = (step_angstrom / AVERAGE_VOXEL_ANGSTROM) ** 3
    return np.asarray((real + 1j * imaginary) * volume, dtype=np.complex128)


def _window(radius_angstrom: float, voxel_angstrom: float) -> NDArray[np.float64]:
    """Weights of the points of a pick's cube on the grid of the templates, (D, D, D)."""
    half = steps_to_reach(radius_angstrom, voxel_angstrom)
    step = voxel_angstrom * grid_stride(voxel_angstrom)
    window = _fading(_distances(half) * step, radius_angstrom + FADE_ANGSTROM)
    # Reading linearly between frequencies fades a cube out towards the edge of its box.
    fading = np.sinc(np.arange(-half, half + 1) / (PADDING * len(window))) ** 2
    return window / (fading[:, None, None] * fading[:, None] * fading)


def _fading(distances_angstrom: NDArray[np.float64], until: float) -> NDArray[np.float64]:
    """1 up to a distance, Å, and 0 from ``FADE_ANGSTROM`` beyond it."""
    beyond = np.clip((distances_angstrom - until) / FADE_ANGSTROM, 0, 1)
    return np.asarray(np.cos(beyond * np.pi / 2) ** 2)


def _distances(half: int) -> NDArray[np.float64]:
    """Distances from the middle of a cube of ``half`` voxels to every side, voxels."""
    axis = np.arange(-half, half + 1)
    return np.asarray(np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2))
