"""Whitening: a tomogram in which all frequencies up to a bound weigh the same.

Noise reduction and the microscope leave a few coarse frequencies that outweigh all others. What
tells one molecule from another of its size lies in the finer ones.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from features.template_matching.missing_wedge import MissingWedge, measure_wedge
from picking.threads import in_threads, slices_of

# Finest detail that is compared, Å. Half of it is the step of a template's grid.
FINEST_ANGSTROM = 40.0
# Shells of frequency, up to the finest, in which the power is averaged.
POWER_SHELLS = 32
# Planes (z) that are transformed together along y and x, and rows (y) along z: bounds the memory,
# and what is worked on stays in the processor's cache.
PLANES_TOGETHER = 4
ROWS_TOGETHER = 8


@dataclass(frozen=True)
class WhitenedTomogram:
    """A tomogram of equal power at all frequencies up to 1/``FINEST_ANGSTROM``.

    Parameters
    ----------
    values_zyx : ndarray, (Z, Y, X), float32
        Mean 0, standard deviation about 1.
    wedge : MissingWedge
        What the tilt series left out.
    """

    values_zyx: NDArray[np.float32]
    wedge: MissingWedge


def whitened(
    values_zyx: NDArray[np.float32],
    voxel_size_zyx_angstrom: NDArray[np.float64],
    wedge: MissingWedge | None = None,
    threads: int = 1,
) -> WhitenedTomogram:
    """Divide a tomogram by its own spectrum.

    Parameters
    ----------
    values_zyx : ndarray, (Z, Y, X), float32
        Normalised tomogram.
    voxel_size_zyx_angstrom : ndarray, (3,), float64
        Voxel size, Å.
    wedge : MissingWedge or None
        None: it is measured.
    threads : int
        Threads that share the work; the result does not depend on them.

    Returns
    -------
    WhitenedTomogram
    """
    finest = 1 / FINEST_ANGSTROM
    shape = values_zyx.shape
    kz, ky, kx = frequencies(shape, voxel_size_zyx_angstrom)
    planes, rows, columns = (np.flatnonzero(np.abs(k.ravel()) < finest) for k in (kz, ky, kx))
    kz, ky, kx = kz[planes], ky[:, rows], kx[:, :, columns]
    # Axis by axis, and no further with frequencies that are left out: most of them.
    slabs = slices_of(shape[0], PLANES_TOGETHER)
    pieces = slices_of(len(rows), ROWS_TOGETHER)
    in_planes = np.empty((shape[0], len(rows), len(columns)), dtype=np.complex64)
    transform = np.empty((len(planes), len(rows), len(columns)), dtype=np.complex64)

    power = np.empty(transform.shape, dtype=np.float32)

    def forward_in_planes(slab: slice) -> None:
        along_x = scipy.fft.rfft(values_zyx[slab], axis=2)[:, :, columns]
        in_planes[slab] = scipy.fft.fft(along_x, axis=1, overwrite_x=True)[:, rows]

    def forward_along_z(piece: slice) -> None:
        some = scipy.fft.fft(in_planes[:, piece], axis=0)[planes]
        transform[:, piece] = some
        power[:, piece] = np.square(some.real) + np.square(some.imag)

    in_threads(forward_in_planes, slabs, threads)
    in_threads(forward_along_z, pieces, threads)
    wedge = measure_wedge(power, kz, ky, kx) if wedge is None else wedge
    transform[0, 0, 0] = 0

    def share_of_finest(piece: slice) -> NDArray[np.float32]:
        squared = kz**2 + ky[:, piece] ** 2 + kx**2
        return np.asarray(np.sqrt(squared) / finest, dtype=np.float32)

    def sum_shells(piece: slice) -> NDArray[np.float64]:
        share = share_of_finest(piece)
        held = wedge.holds(kz, ky[:, piece], kx) & (share > 0) & (share < 1)
        shells = (share[held] * POWER_SHELLS).astype(np.int64)
        total = np.bincount(shells, power[:, piece][held], POWER_SHELLS)
        return np.stack([total, np.bincount(shells, minlength=POWER_SHELLS)])

    total, count = np.sum(in_threads(sum_shells, pieces, threads), axis=0)
    filled = (count > 0) & (total > 0)
    if not filled.any():
        return WhitenedTomogram(np.zeros(shape, dtype=np.float32), wedge)
    centres = ((np.arange(POWER_SHELLS) + 0.5) / POWER_SHELLS)[filled]
    log_shells = np.log(total[filled] / count[filled])

    def flatten(piece: slice) -> float:
        share = share_of_finest(piece)
        amplitude = np.exp(np.interp(share, centres, log_shells) / -2) * (share < 1)
        some = transform[:, piece]
        some *= amplitude.astype(np.float32)
        return float(np.sum(np.square(some.real) + np.square(some.imag), dtype=np.float64))

    # Half of the spectrum stands for the whole of it.
    energy = 2 * sum(in_threads(flatten, pieces, threads))
    scale = np.float32(values_zyx.size / np.sqrt(energy))
    whitened_zyx = np.empty(shape, dtype=np.float32)

    def back_along_z(piece: slice) -> None:
        along_z = np.zeros_like(in_planes[:, piece])
        along_z[planes] = transform[:, piece] * scale
        in_planes[:, piece] = scipy.fft.ifft(along_z, axis=0, overwrite_x=True)

    def back_in_planes(slab: slice) -> None:
        along_y = np.zeros((len(in_planes[slab]), shape[1], len(columns)), dtype=np.complex64)
        along_y[:, rows] = in_planes[slab]
        along_y = scipy.fft.ifft(along_y, axis=1, overwrite_x=True)
        whitened_zyx[slab] = scipy.fft.irfft(along_y, n=shape[2], axis=2)

    in_threads(back_along_z, pieces, threads)
    in_threads(back_in_planes, slabs, threads)
    return WhitenedTomogram(whitened_zyx, wedge)


def frequencies(
    shape_zyx: tuple[int, ...], voxel_size_zyx_angstrom: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Frequencies of ``scipy.fft.rfftn``, 1/Å: (Z, 1, 1), (1, Y, 1) and (1, 1, X/2+1)."""
    z, y, x = shape_zyx
    dz, dy, dx = voxel_size_zyx_angstrom
    return (
        scipy.fft.fftfreq(z, dz)[:, None, None],
        scipy.fft.fftfreq(y, dy)[None, :, None],
        scipy.fft.rfftfreq(x, dx)[None, None, :],
    )
