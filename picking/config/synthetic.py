"""Settings of the synthetic specimens and of the microscope that images them."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from picking.config.strict_model import StrictModel

Range = tuple[float, float]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]

# The four reconstructions that the real training runs have.
TOMO_TYPES = ("wbp", "ctfdeconvolved", "denoised", "isonetcorrected")
# What Kaggle gives of each split.
TOMO_TYPES_OF_SPLIT: dict[str, tuple[str, ...]] = {"train": TOMO_TYPES, "test": ("denoised",)}

# A field smaller than this cannot hold a ribosome (about 300 Å) away from its own edges.
SMALLEST_SHAPE_ZYX = (48, 64, 64)

# Run names are TS_{session}_{position} like the real ones: up to two digits and one digit.
LAST_SESSION = 99
LAST_POSITION = 9
MAXIMUM_RUNS = LAST_SESSION * LAST_POSITION


class ParticleCounts(StrictModel):
    """Mean number of particles of each type in a full field of 630x630 voxels.

    The defaults are the means over the seven real training runs. The field names are the particle
    types with "-" written as "_".
    """

    apo_ferritin: float = Field(53.6, ge=0, description="Apo-ferritin per full field.")
    beta_amylase: float = Field(12.4, ge=0, description="Beta-amylase per full field.")
    beta_galactosidase: float = Field(16.0, ge=0, description="Beta-galactosidase per full field.")
    ribosome: float = Field(47.3, ge=0, description="80S ribosomes per full field.")
    thyroglobulin: float = Field(35.9, ge=0, description="Thyroglobulin per full field.")
    virus_like_particle: float = Field(16.1, ge=0, description="PP7 particles per full field.")

    def by_type(self) -> dict[str, float]:
        """Return the means by particle type."""
        return {name.replace("_", "-"): getattr(self, name) for name in type(self).model_fields}


class SyntheticSettings(StrictModel):
    """All that decides the bytes of a synthetic data set, except the seed."""

    train_runs: int = Field(8, ge=1, description="Training runs; each gets all four tomo_types.")
    test_runs: int = Field(8, ge=0, description="Test runs; each gets `denoised` alone.")
    shape_zyx: tuple[int, int, int] = Field(
        (64, 224, 224),
        description="Voxels of a tomogram, z,y,x. The real ones are (184, 630, 630).",
    )
    voxel_size_angstrom: float = Field(
        10.012444,
        ge=9.6,
        le=10.4,
        description="True voxel size in Å, within 4 % of the 10.000 that the folder says.",
    )

    particles_per_full_field: ParticleCounts = Field(
        ParticleCounts(),
        description="Mean particles of each type in 630x630 voxels, scaled by a field's area.",
    )
    crowding: float = Field(
        1.0,
        gt=0,
        le=2,
        description="Multiplies all counts. 1 is as crowded as the real runs.",
    )
    distractors_per_full_field: NotNegative = Field(
        50.0, description="Unlabelled proteins of a size like the labelled ones, per full field."
    )
    lysate_per_full_field: NotNegative = Field(
        700.0, description="Unlabelled small proteins (30-100 kDa), per full field."
    )
    vesicles_per_full_field: NotNegative = Field(
        2.5, description="Unlabelled membrane vesicles, per full field."
    )
    sheets_per_full_field: NotNegative = Field(
        1.5, description="Unlabelled open membrane sheets, per full field."
    )
    gold_per_full_field: NotNegative = Field(
        6.0, description="Gold fiducial beads of 10 nm, per full field."
    )

    slab_thickness_fraction: Range = Field(
        (0.55, 0.8),
        description="Range of the ice slab's thickness over the tomogram's depth; drawn per run.",
    )
    slab_slope_max: float = Field(
        0.06, ge=0, description="Largest slope of the slab's middle plane (Å per Å), per axis."
    )

    tilt_max_degrees: float = Field(45.0, gt=0, lt=90, description="Tilts run from -this to this.")
    tilt_step_degrees: float = Field(3.0, gt=0, description="Step between tilts.")
    dose_per_tilt: Positive = Field(3.5, description="Electrons per Å² in each tilt.")
    defocus_range_micrometre: Range = Field(
        (2.5, 5.0), description="Range of the underfocus in µm; drawn per run."
    )
    amplitude_contrast: float = Field(0.08, ge=0, le=1, description="Share of amplitude contrast.")
    alignment_error_angstrom: NotNegative = Field(
        5.0, description="Standard deviation of the tilt images' shifts left after alignment."
    )
    noise_strength: float = Field(
        3.0,
        ge=0,
        description="Multiplies the shot noise that the dose alone would give (1). The one knob "
        "for difficulty: the default stands for the detector's loss, scattering in the ice and "
        "its own grain, and gives the look of the real `denoised`; 0 is no noise.",
    )

    label_jitter_voxels: float = Field(
        0.5, ge=0, description="Standard deviation of a training label's error per axis, in voxels."
    )
    label_missing_fraction: float = Field(
        0.03, ge=0, le=1, description="Share of the particles that the annotators overlooked."
    )
    label_missing_at_border_fraction: float = Field(
        0.8, ge=0, le=1, description="Share that is unlabelled right at the field's xy border."
    )
    label_border_angstrom: Positive = Field(
        100.0, description="Width of the border in which labels are missing more often."
    )

    mantissa_bits: int = Field(
        10,
        ge=4,
        le=23,
        description="Bits of the mantissa that are kept on disk, so that the set stays small; "
        "23 keeps all of float32.",
    )

    @model_validator(mode="after")
    def _ranges_are_in_order(self) -> Self:
        for name in ("slab_thickness_fraction", "defocus_range_micrometre"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise ValueError(f"{name} must be two numbers with 0 < low <= high")
        if self.slab_thickness_fraction[1] > 1:
            raise ValueError("slab_thickness_fraction must not exceed 1: the slab is in the field")
        if any(n < least for n, least in zip(self.shape_zyx, SMALLEST_SHAPE_ZYX, strict=True)):
            raise ValueError(
                f"shape_zyx must be at least {SMALLEST_SHAPE_ZYX}: a ribosome has to fit in"
            )
        if self.train_runs + self.test_runs > MAXIMUM_RUNS:
            raise ValueError(
                f"train_runs + test_runs must be at most {MAXIMUM_RUNS}: there are no more names"
            )
        return self
