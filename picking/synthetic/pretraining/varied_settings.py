"""How the specimens of a pretraining differ: microscope, ice, crowd and reconstruction."""

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from picking.config.synthetic import SyntheticSettings

# Each range holds what published tomograms of purified or lysed samples have, and more.
DEFOCUS_MICROMETRE = (1.5, 6.5)
TILT_MAX_DEGREES = (40.0, 66.0)
TILT_STEPS_DEGREES = (2.0, 3.0, 4.0)
DOSE_PER_TILT = (1.5, 5.0)
ALIGNMENT_ERROR_ANGSTROM = (2.0, 10.0)
AMPLITUDE_CONTRAST = (0.06, 0.12)
# From cleaner than the data set's default (3) to well over twice as noisy, even in the logarithm.
NOISE_STRENGTH = (1.8, 8.0)
SLAB_THICKNESS_FRACTION = (0.45, 0.9)
# How strongly a "denoised" smooths, even in the logarithm; the default data set's is 2.
CAUTION = (0.25, 6.0)
# Half of the specimens have the challenge's voxels, give or take; the others any between these.
USUAL_VOXEL_ANGSTROM = (9.7, 10.3)
USUAL_VOXEL_SHARE = 0.5
VOXEL_ANGSTROM = (6.0, 15.0)
# Lysate, vesicles and the like, as multiples of the default data set's.
BACKGROUND = (0.2, 2.0)
# Particles per 1000 x 1000 x 400 Å of ice, even in the logarithm. The crowded end is what makes
# neighbours touch in every crop.
PARTICLES_PER_BOX = (6.0, 30.0)
BOX_CUBIC_ANGSTROM = 1000.0 * 1000.0 * 400.0

FURTHER_TOMO_TYPES = ("denoised", "denoised", "wbp", "ctfdeconvolved", "isonetcorrected")


class VariedSettings(SyntheticSettings):
    """Settings of one specimen, whose voxels may be of any size."""

    voxel_size_angstrom: float = Field(
        10.0, ge=VOXEL_ANGSTROM[0], le=VOXEL_ANGSTROM[1], description="Voxel size, Å."
    )


@dataclass(frozen=True)
class Variation:
    """What is drawn for one specimen."""

    settings: VariedSettings
    defocus_micrometre: float
    particles_per_box: float
    background: float
    tomo_types: tuple[str, str]  # two reconstructions of the same images
    cautions: tuple[float, float]


def _even_in_logarithm(stream: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(stream.uniform(np.log(low), np.log(high))))


def draw_variation(shape_zyx: tuple[int, int, int], stream: np.random.Generator) -> Variation:
    """Draw how one specimen is made.

    Parameters
    ----------
    shape_zyx : tuple of int
        Voxels of the tomogram.
    stream : numpy.random.Generator
        The specimen's own random stream.
    """
    usual = stream.random() < USUAL_VOXEL_SHARE
    thickness = float(stream.uniform(*SLAB_THICKNESS_FRACTION))
    defocus = float(stream.uniform(*DEFOCUS_MICROMETRE))
    settings = VariedSettings(
        shape_zyx=shape_zyx,
        voxel_size_angstrom=float(
            stream.uniform(*(USUAL_VOXEL_ANGSTROM if usual else VOXEL_ANGSTROM))
        ),
        slab_thickness_fraction=(thickness, thickness),
        tilt_max_degrees=float(stream.uniform(*TILT_MAX_DEGREES)),
        tilt_step_degrees=float(stream.choice(TILT_STEPS_DEGREES)),
        dose_per_tilt=float(stream.uniform(*DOSE_PER_TILT)),
        defocus_range_micrometre=(defocus, defocus),
        amplitude_contrast=float(stream.uniform(*AMPLITUDE_CONTRAST)),
        alignment_error_angstrom=float(stream.uniform(*ALIGNMENT_ERROR_ANGSTROM)),
        noise_strength=_even_in_logarithm(stream, *NOISE_STRENGTH),
    )
    return Variation(
        settings,
        defocus,
        _even_in_logarithm(stream, *PARTICLES_PER_BOX),
        float(stream.uniform(*BACKGROUND)),
        ("denoised", str(stream.choice(FURTHER_TOMO_TYPES))),
        (_even_in_logarithm(stream, *CAUTION), _even_in_logarithm(stream, *CAUTION)),
    )
