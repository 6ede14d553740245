"""The microscope as formulae: contrast transfer, damage, and which frequencies the tilts saw."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from picking.config.synthetic import SyntheticSettings

# At 300 kV: wavelength, and phase per volt and Å of path (Kirkland, Advanced Computing in
# Electron Microscopy, 2010, table 5.1: 0.006526 rad/(V nm)).
WAVELENGTH_ANGSTROM = 0.019687
INTERACTION_RADIAN_PER_VOLT_ANGSTROM = 6.526e-4
SPHERICAL_ABERRATION_ANGSTROM = 2.7e7
ANGSTROM_PER_MICROMETRE = 1e4

# Focus differs from tilt to tilt by about this much after estimation, in Å.
FOCUS_SPREAD_ANGSTROM = 1000.0

# Path in ice after which 1/e of the electrons are still in the zero-loss image, in Å (300 kV;
# Rice et al., Journal of Structural Biology 2018).
MEAN_FREE_PATH_ANGSTROM = 3000.0

# Damage: critical dose N(k) = 0.24499 k^-1.6649 + 2.8141 e/Å2 (Grant and Grigorieff, eLife 2015);
# amplitudes fall as exp(-dose / 2N). A Gaussian exp(-B k2 / 4) meets that at 25 Å with this B for
# each e/Å2; near the 20 Å limit of these voxels the two agree to a few per cent.
DAMAGE_RESOLUTION_ANGSTROM = 25.0
DAMAGE_B_SQUARE_ANGSTROM_PER_DOSE = (
    2 * DAMAGE_RESOLUTION_ANGSTROM**2 / (0.24499 * DAMAGE_RESOLUTION_ANGSTROM**1.6649 + 2.8141)
)


def contrast_transfer(
    squared_frequency: NDArray[np.float32],
    defocus_angstrom: float,
    amplitude_contrast: float,
) -> NDArray[np.float32]:
    """Contrast transfer of a weak phase object, with the damping of the focus spread.

    Parameters
    ----------
    squared_frequency : ndarray, any shape
        Squared spatial frequency, Å^-2.
    defocus_angstrom : float
        Underfocus, positive.
    amplitude_contrast : float
        Share of amplitude contrast, 0 to 1.

    Returns
    -------
    ndarray, same shape, float32
        -(sqrt(1 - A2) sin chi + A cos chi) times the damping; negative at low frequency, so that
        protein is dark. chi = pi lambda defocus k2 - pi/2 Cs lambda3 k4 (Wade, Ultramicroscopy
        1992).
    """
    phase = np.pi * WAVELENGTH_ANGSTROM * defocus_angstrom * squared_frequency
    phase -= (
        np.pi / 2 * SPHERICAL_ABERRATION_ANGSTROM * WAVELENGTH_ANGSTROM**3 * (squared_frequency**2)
    )
    spread = np.pi * WAVELENGTH_ANGSTROM * FOCUS_SPREAD_ANGSTROM * squared_frequency
    wave = np.sqrt(1 - amplitude_contrast**2) * np.sin(phase) + amplitude_contrast * np.cos(phase)
    return np.asarray(-wave * np.exp(-(spread**2) / 2), dtype=np.float32)


@dataclass(frozen=True)
class TiltSeries:
    """The tilts in the order in which they were taken: dose-symmetric, from zero outwards."""

    angles_degrees: NDArray[np.float64]  # (t,)
    dose_before: NDArray[np.float64]  # (t,) e/Å2 that the specimen took until mid-exposure


def dose_symmetric_tilts(settings: SyntheticSettings) -> TiltSeries:
    """Lay out a dose-symmetric tilt series (Hagen et al., Journal of Structural Biology 2017)."""
    steps = int(settings.tilt_max_degrees // settings.tilt_step_degrees)
    angles = np.arange(-steps, steps + 1) * settings.tilt_step_degrees
    angles = angles[np.argsort(np.abs(angles), kind="stable")]
    dose = (np.arange(len(angles)) + 0.5) * settings.dose_per_tilt
    return TiltSeries(angles.astype(np.float64), dose.astype(np.float64))


class FourierSampling:
    """Which frequencies a tilt series about the y axis records, how strongly, and how noisily.

    Each tilt records a central slice of the specimen's transform, as thick as one over the
    volume's depth (projection-slice theorem; Crowther, DeRosier and Klug, 1970). The exactly
    filtered back-projection divides by how often a frequency was recorded, and leaves empty what
    was recorded less than once in part. The contrast transfer is common to all tilts; damage and
    absorption are each tilt's own. As Gaussians they separate into a part in (kz, kx) and one in
    ky, so that a plane costs one small matrix product.
    """

    def __init__(
        self,
        settings: SyntheticSettings,
        shape_zyx: tuple[int, int, int],
        defocus_angstrom: float,
        slab_thickness_angstrom: float,
    ) -> None:
        voxel = settings.voxel_size_angstrom
        tilts = dose_symmetric_tilts(settings)
        self.shape_zyx = shape_zyx
        self.voxel_size_angstrom = voxel
        self.kz = np.fft.fftfreq(shape_zyx[0], voxel)  # (Z,) Å^-1
        self.ky = np.fft.fftfreq(shape_zyx[1], voxel)  # (Y,) Å^-1
        self.kx = np.fft.rfftfreq(shape_zyx[2], voxel)  # (X/2+1,) Å^-1
        self._defocus_angstrom = defocus_angstrom
        self._amplitude_contrast = settings.amplitude_contrast
        self._depth_angstrom = shape_zyx[0] * voxel
        self._angles = np.deg2rad(tilts.angles_degrees)
        # Misalignment by a Gaussian of s Å damps by exp(-2 pi2 s2 k2).
        self._decay = (
            DAMAGE_B_SQUARE_ANGSTROM_PER_DOSE * tilts.dose_before / 4
            + 2 * (np.pi * settings.alignment_error_angstrom) ** 2
        )  # (t,) Å2, amplitudes fall as exp(-decay k2)
        path = slab_thickness_angstrom / np.cos(self._angles)
        electrons = (
            settings.dose_per_tilt * voxel**2 * np.exp(-path / MEAN_FREE_PATH_ANGSTROM)
        )  # (t,) in each pixel of a projection
        # Variance of a pixel's relative contrast by counting, spread over the depth.
        self._variance = settings.noise_strength**2 / electrons / shape_zyx[0]  # (t,)
        self._decay_y = np.exp(-np.outer(self.ky**2, self._decay)).astype(np.float32)  # (Y, t)

    def transfer(self, z: int) -> NDArray[np.float32]:
        """Contrast transfer alone, (Y, X/2+1), at index z of the transform's first axis."""
        squared_frequency = np.add.outer(self.ky**2, self.kz[z] ** 2 + self.kx**2)
        return contrast_transfer(
            squared_frequency.astype(np.float32), self._defocus_angstrom, self._amplitude_contrast
        )

    def _weights(self, z: int) -> NDArray[np.float64]:
        """Weight of each tilt's slice at (kz, kx), (t, X/2+1): 1 in its middle, 0 outside."""
        distance = np.abs(
            np.outer(np.sin(self._angles), self.kx) + (np.cos(self._angles) * self.kz[z])[:, None]
        )  # (t, X/2+1) Å^-1
        return np.asarray(np.clip(1 - distance * self._depth_angstrom, 0, None))

    def coverage(self, z: int) -> NDArray[np.float32]:
        """How often the frequencies of a plane were recorded, (X/2+1,); 0 where no tilt looked."""
        return np.asarray(self._weights(z).sum(axis=0), dtype=np.float32)

    def noise(self, z: int) -> NDArray[np.float32]:
        """Variance of the noise in a plane, (X/2+1,), relative to unit white noise."""
        weights = self._weights(z)
        divisor = np.maximum(weights.sum(axis=0), 1.0)
        variance = (weights**2 * self._variance[:, None]).sum(axis=0) / divisor**2
        return np.asarray(variance, dtype=np.float32)

    def signal(self, z: int) -> NDArray[np.float32]:
        """Factor from the specimen's potential to relative image contrast, (Y, X/2+1), per V."""
        weights = self._weights(z)
        divisor = np.maximum(weights.sum(axis=0), 1.0)
        decay = np.exp(-np.outer(self._decay, self.kz[z] ** 2 + self.kx**2))  # (t, X/2+1)
        recorded = self._decay_y @ (weights * decay / divisor).astype(np.float32)  # (Y, X/2+1)
        # Twice the phase is the contrast of a weak phase object's image; one voxel of path.
        volts_to_contrast = 2 * INTERACTION_RADIAN_PER_VOLT_ANGSTROM * self.voxel_size_angstrom
        return np.asarray(self.transfer(z) * recorded * np.float32(volts_to_contrast))
