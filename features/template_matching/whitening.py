"""Whitening: a tomogram in which all frequencies up to a bound weigh the same.

Noise reduction and the microscope leave a few coarse frequencies that outweigh all others. What
tells one molecule from another of its size lies in the finer ones.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from features.template_matching.missing_wedge import MissingWedge, measure_wedge

# Finest detail that is compared, Å. Half of it is the step of a template's grid.
FINEST_ANGSTROM = 40.0
# Shells of frequency, up to the finest, in which the power is averaged.
POWER_SHELLS = 32
# Planes that are transformed together along y and x: bounds the memory.
PLANES_TOGETHER = 16


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
    slabs = [slice(start, start + PLANES_TOGETHER) for start in range(0, shape[0], PLANES_TOGETHER)]
    transform = np.empty((shape[0], len(rows), len(columns)), dtype=np.complex64)
    for slab in slabs:
        along_x = scipy.fft.rfft(values_zyx[slab], axis=2)[:, :, columns]
        transform[slab] = scipy.fft.fft(along_x, axis=1, overwrite_x=True)[:, rows]
    transform = scipy.fft.fft(transform, axis=0, overwrite_x=True)[planes]

    power = np.abs(transform) ** 2
    wedge = measure_wedge(power, kz, ky, kx) if wedge is None else wedge
    share = np.sqrt(kz**2 + ky**2 + kx**2, dtype=np.float32) / np.float32(finest)
    held = wedge.holds(kz, ky, kx) & (share < 1)
    held[0, 0, 0] = False
    shells = (share[held] * POWER_SHELLS).astype(np.int64)
    total = np.bincount(shells, power[held], POWER_SHELLS)
    count = np.bincount(shells, minlength=POWER_SHELLS)
    filled = (count > 0) & (total > 0)
    if not filled.any():
        return WhitenedTomogram(np.zeros(shape, dtype=np.float32), wedge)
    centres = ((np.arange(POWER_SHELLS) + 0.5) / POWER_SHELLS)[filled]
    log_power = np.interp(share, centres, np.log(total[filled] / count[filled]))
    transform *= np.where(share < 1, np.exp(-log_power / 2), 0).astype(np.float32)
    transform[0, 0, 0] = 0
    # Half of the spectrum stands for the whole of it.
    energy = 2 * float(np.sum(np.abs(transform) ** 2, dtype=np.float64))
    transform *= np.float32(values_zyx.size / np.sqrt(energy))

    along_z = np.zeros((shape[0], len(rows), len(columns)), dtype=np.complex64)
    along_z[planes] = transform
    along_z = scipy.fft.ifft(along_z, axis=0, overwrite_x=True)
    whitened_zyx = np.empty(shape, dtype=np.float32)
    for slab in slabs:
        along_y = np.zeros((len(along_z[slab]), shape[1], len(columns)), dtype=np.complex64)
        along_y[:, rows] = along_z[slab]
        along_y = scipy.fft.ifft(along_y, axis=1, overwrite_x=True)
        whitened_zyx[slab] = scipy.fft.irfft(along_y, n=shape[2], axis=2)
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
