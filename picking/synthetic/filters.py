"""The four reconstructions of one data set: wbp, ctfdeconvolved, denoised, isonetcorrected."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from picking.synthetic.field import Field
from picking.synthetic.imaging import HalfSets
from picking.synthetic.microscope import FourierSampling
from picking.synthetic.transforms import for_each_plane, forward_transform, inverse_transform

# Values on disk in the real data: mean 0, standard deviation about 7e-6.
DISK_STANDARD_DEVIATION = 7e-6

# Slow changes of density tell of ice and not of particles; reconstructions damp them.
HIGH_PASS_ANGSTROM = 350.0

# Frequencies beyond the sphere that fits in the cube of frequencies are left out: their shells are
# cut, and no image recorded them alike in all directions.
BAND_LIMIT_NYQUISTS = 0.95

# Deconvolution as Warp and IsoNet do it, with an assumed ratio of signal to noise that falls
# exponentially with frequency (Tegunov and Cramer, Nature Methods 2019): 10^(3 strength) at zero,
# falling by exp(-100 falloff Nyquist-fraction).
DECONVOLUTION_STRENGTH = 0.8
DECONVOLUTION_FALLOFF = 0.12

# The mean of a shell's cross-spectrum is taken over this many neighbouring shells: near a zero of
# the contrast transfer one shell alone says little.
SHELL_SMOOTHING = (0.25, 0.5, 0.25)

# Specimens have less power at finer detail; from this resolution on, an estimate that rises again
# is noise divided by next to nothing, near a zero of the contrast transfer.
FALLING_FROM_ANGSTROM = 100.0

# A network that learnt from noisy pairs smooths more than the best linear filter would: taken as
# if the noise had this times its power.
CAUTION = 2.0

# The wedge's filling: rounds of "bound the density, keep what was measured". Few rounds fill it in
# part, and IsoNet, too, leaves particles longer in z than they are.
WEDGE_ROUNDS = 3
# Density lighter than ice by more than this many standard deviations is an artefact.
WEDGE_BOUND_DEVIATIONS = 0.5

PlaneFilter = Callable[[int], NDArray[np.float32]]


@dataclass(frozen=True)
class Spectrum:
    """Power of signal and noise, found from two half sets of data; shells one bin wide."""

    signal: NDArray[np.float64]  # (s,) power of the specimen's potential, V2
    noise_scale: float  # measured over predicted power of the noise
    fourier_shell_correlation: NDArray[np.float64]  # (s,) of the two halves


def _squared_frequency(sampling: FourierSampling, z: int) -> NDArray[np.float64]:
    """Squared frequency, (Y, X/2+1) Å^-2, of one plane."""
    return np.asarray(np.add.outer(sampling.ky**2, sampling.kz[z] ** 2 + sampling.kx**2))


def _shells(sampling: FourierSampling, z: int) -> NDArray[np.int64]:
    """Shell of each frequency in one plane; a shell is as wide as a bin of the longest axis."""
    width = 1 / (max(sampling.shape_zyx) * sampling.voxel_size_angstrom)
    return np.rint(np.sqrt(_squared_frequency(sampling, z)) / width).astype(np.int64)


def measure_spectrum(halves: HalfSets, workers: int = 2) -> Spectrum:
    """Measure signal and noise shell by shell from what two half sets agree and differ in.

    The cross-spectrum of the halves is the signal's power after the microscope; divided by the
    squared transfer it is the specimen's own. The Fourier shell correlation comes from the same
    sums (Harauz and van Heel, Optik 1986).
    """
    sampling = halves.sampling
    depth, rows, _ = sampling.shape_zyx
    number = int(_shells(sampling, depth // 2).max()) + 1

    def sums_of_plane(z: int) -> tuple[NDArray[np.float64], float, float]:
        shells = _shells(sampling, z).ravel()
        first, second = halves.first[z], halves.second[z]
        values = (
            (first * second.conj()).real,
            sampling.signal(z) ** 2,
            np.abs(first) ** 2,
            np.abs(second) ** 2,
        )
        in_shells = [np.bincount(shells, v.ravel(), minlength=number) for v in values]
        difference = float((np.abs(first - second) ** 2).sum(dtype=np.float64))
        predicted = rows * float(sampling.noise(z).sum(dtype=np.float64))
        return np.array(in_shells), difference, predicted

    planes = for_each_plane(sums_of_plane, depth, workers)
    # One after the other in order of z: the sums do not depend on the threads.
    cross, transfer, power_first, power_second = np.sum([plane[0] for plane in planes], axis=0)
    difference = sum(plane[1] for plane in planes)
    predicted = sum(plane[2] for plane in planes)
    voxels = float(np.prod(sampling.shape_zyx))
    smoothed_cross = np.convolve(cross, SHELL_SMOOTHING, mode="same")
    smoothed_transfer = np.convolve(transfer, SHELL_SMOOTHING, mode="same")
    tiny = np.finfo(np.float64).tiny
    signal = np.clip(smoothed_cross, 0, None) / np.maximum(smoothed_transfer, tiny) / voxels
    shell_width = 1 / (max(sampling.shape_zyx) * sampling.voxel_size_angstrom)
    falling_from = round(1 / FALLING_FROM_ANGSTROM / shell_width)
    signal[falling_from:] = np.minimum.accumulate(signal[falling_from:])
    correlation = cross / np.sqrt(np.maximum(power_first * power_second, tiny))
    # The mean of two halves has a quarter of the power of their difference as noise.
    noise_scale = difference / 4 / voxels / predicted if predicted > 0 else 0.0
    return Spectrum(signal, noise_scale, correlation)


def _pass_band(sampling: FourierSampling, z: int) -> NDArray[np.float64]:
    """Pass what lies between the slow changes of the ice and the band limit, (Y, X/2+1)."""
    squared = _squared_frequency(sampling, z)
    limit = BAND_LIMIT_NYQUISTS / (2 * sampling.voxel_size_angstrom)
    high_pass = 1 - np.exp(-squared * HIGH_PASS_ANGSTROM**2 / 2)
    return high_pass * (squared < limit**2)


def deconvolution_filter(sampling: FourierSampling) -> PlaneFilter:
    """Make the filter that undoes the contrast transfer on an assumed ratio of signal to noise."""
    nyquist = 1 / (2 * sampling.voxel_size_angstrom)

    def plane_filter(z: int) -> NDArray[np.float32]:
        squared = _squared_frequency(sampling, z)
        ratio = 10 ** (3 * DECONVOLUTION_STRENGTH) * np.exp(
            -100 * DECONVOLUTION_FALLOFF * np.sqrt(squared) / nyquist
        )
        ratio = ratio * _pass_band(sampling, z)
        transfer = sampling.transfer(z)
        return np.asarray(-transfer * ratio / (transfer**2 * ratio + 1), dtype=np.float32)

    return plane_filter


def wiener_filter(
    sampling: FourierSampling, spectrum: Spectrum, caution: float = CAUTION
) -> PlaneFilter:
    """Make the linear filter that comes closest to the specimen (Wiener, 1949).

    Its signal power comes from the halves' agreement in each shell, its noise power from their
    difference and from how often a frequency was recorded: the smooth look of a denoising
    network that learnt from two half sets, which at best learns the same.
    """

    def plane_filter(z: int) -> NDArray[np.float32]:
        power = spectrum.signal[_shells(sampling, z)]
        signal = sampling.signal(z)
        total = power * signal**2 + caution * spectrum.noise_scale * sampling.noise(z)
        share = np.divide(power, total, out=np.zeros_like(power), where=total > 0)
        return np.asarray(-signal * share * _pass_band(sampling, z), dtype=np.float32)

    return plane_filter


def _filtered(
    halves: HalfSets, plane_filter: PlaneFilter | None, workers: int
) -> NDArray[np.complex64]:
    """Apply a filter to the mean of the halves; None leaves it as it is."""
    result = np.empty_like(halves.first)

    def apply(z: int) -> None:
        result[z] = halves.mean_plane(z)
        if plane_filter is not None:
            result[z] *= plane_filter(z)

    for_each_plane(apply, len(result), workers)
    result[0, 0, 0] = 0  # the mean says nothing
    return result


def _fill_wedge(
    measured: NDArray[np.complex64],
    sampling: FourierSampling,
    workers: int,
) -> NDArray[np.float32]:
    """Fill frequencies that no tilt recorded, by bounding the density.

    Nothing in the ice scatters less than ice. Each round cuts off what is lighter than ice by
    more than noise, and takes the components this gives where no tilt looked; measured components
    stay (Gerchberg, Optica Acta 1974; Papoulis 1975). IsoNet reaches a like volume by
    learning. The wedge is filled in part: particles are shorter in z, and not round.
    """
    shape_zyx = sampling.shape_zyx
    density = inverse_transform(measured.copy(), shape_zyx, workers)
    for _ in range(WEDGE_ROUNDS):
        bound = WEDGE_BOUND_DEVIATIONS * float(density.std())
        transform = forward_transform(np.minimum(density, bound), workers)

        def fill(z: int, transform: NDArray[np.complex64] = transform) -> None:
            unseen = 1 - np.clip(sampling.coverage(z), 0, 1)
            transform[z] = measured[z] + unseen * transform[z]

        for_each_plane(fill, shape_zyx[0], workers)
        transform[0, 0, 0] = 0
        density = inverse_transform(transform, shape_zyx, workers)
    return density


def reconstruct(
    halves: HalfSets,
    field: Field,
    tomo_type: str,
    spectrum: Spectrum,
    workers: int = 2,
    caution: float = CAUTION,
) -> NDArray[np.float32]:
    """Make one of the four reconstructions.

    Parameters
    ----------
    halves : HalfSets
        The data.
    field : Field
        Says which part of the padded volume is the tomogram.
    tomo_type : str
        "wbp", "ctfdeconvolved", "denoised" or "isonetcorrected".
    spectrum : Spectrum
        From :func:`measure_spectrum`.
    workers : int
        Threads of the Fourier transforms.
    caution : float
        How strongly "denoised" and "isonetcorrected" smooth: as if the noise had this times its
        power.

    Returns
    -------
    ndarray, (Z, Y, X), float32
        Values with mean 0 and standard deviation 7e-6; particles are dark.

    Raises
    ------
    ValueError
        If the tomo_type is none of the four.
    """
    sampling = halves.sampling
    if tomo_type == "wbp":
        transform = _filtered(halves, None, workers)
    elif tomo_type == "ctfdeconvolved":
        transform = _filtered(halves, deconvolution_filter(sampling), workers)
    elif tomo_type in ("denoised", "isonetcorrected"):
        transform = _filtered(halves, wiener_filter(sampling, spectrum, caution), workers)
    else:
        raise ValueError(f"unknown tomo_type {tomo_type!r}")
    if tomo_type == "isonetcorrected":
        padded = _fill_wedge(transform, sampling, workers)
    else:
        padded = inverse_transform(transform, sampling.shape_zyx, workers)
    return disk_values(field.crop(padded))


def disk_values(values_zyx: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale to the real data's tiny values: mean 0, standard deviation 7e-6."""
    mean = values_zyx.mean(dtype=np.float64)
    deviation = values_zyx.std(dtype=np.float64)
    scale = DISK_STANDARD_DEVIATION / deviation if deviation > 0 else 1.0
    return np.asarray((values_zyx - mean) * scale, dtype=np.float32)
