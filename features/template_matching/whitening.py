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
# Shells of frequency, a voxel's Nyquist frequency over this wide, in which the power is averaged.
POWER_SHELLS = 64


@dataclass(frozen=True)
class WhitenedTomogram:
    """A tomogram of equal power at all frequencies up to 1/``FINEST_ANGSTROM``.

    Parameters
    ----------
    values_zyx : ndarray, (Z, Y, X), float32
        Standard deviation 1, mean 0.
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
    shape = values_zyx.shape
    transform = scipy.fft.rfftn(values_zyx)
    kz, ky, kx = frequencies(shape, voxel_size_zyx_angstrom)
    # One plane after the other: a whole spectrum in memory is as large as two tomograms.
    squared_yx = ky**2 + kx**2
    finest = 1 / FINEST_ANGSTROM
    if wedge is None:
        few = np.flatnonzero(np.abs(kz.ravel()) < finest)
        power = np.abs(transform[few]) ** 2
        wedge = measure_wedge(power, kz[few], ky, kx)
    shell_width = float(0.5 / voxel_size_zyx_angstrom.min() / POWER_SHELLS)
    shells = int(finest / shell_width) + 2
    total, count = np.zeros(shells), np.zeros(shells)
    for plane, k in enumerate(kz.ravel()):
        if abs(k) >= finest:
            continue
        within = (squared_yx[0] + k**2 < finest**2) & wedge.holds(np.array([[k]]), ky[0], kx[0])
        shell = (np.sqrt(squared_yx[0][within] + k**2) / shell_width).astype(np.int64)
        total += np.bincount(shell, np.abs(transform[plane][within]) ** 2, shells)
        count += np.bincount(shell, minlength=shells)
    centres = (np.arange(shells) + 0.5) * shell_width
    filled = (count > 0) & (total > 0)
    log_power = np.interp(centres, centres[filled], np.log(total[filled] / count[filled]))
    for plane, k in enumerate(kz.ravel()):
        if abs(k) >= finest:
            transform[plane] = 0
            continue
        squared = squared_yx[0] + k**2
        gain = np.exp(-np.interp(np.sqrt(squared), centres, log_power) / 2)
        transform[plane] *= np.where(squared < finest**2, gain, 0).astype(np.float32)
    transform[0, 0, 0] = 0
    flat = scipy.fft.irfftn(transform, s=shape, overwrite_x=True)
    spread = float(flat.std())
    flat *= np.float32(1 / spread if spread > 0 else 1)
    return WhitenedTomogram(flat, wedge)


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
