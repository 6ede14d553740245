"""Settings of the feature tables."""

from typing import Literal, get_args

from pydantic import Field, field_validator

from picking.config.strict_model import StrictModel

FamilyName = Literal[
    "intensity",
    "gradient",
    "shape",
    "texture",
    "symmetry",
    "harmonics",
    "score_map",
    "context",
    "templates",
    "averages",
    "embedding",
    "type_maps",
    "mask",
]
ALL_FAMILIES: tuple[FamilyName, ...] = get_args(FamilyName)

# They tell which network looked rather than what it looked at (docs/experiments.md).
FAMILIES_OF_THE_NETWORK: tuple[FamilyName, ...] = ("embedding", "type_maps")
# Measured by default where there are masks.
FAMILIES_OF_MASKS: tuple[FamilyName, ...] = ("mask",)
DEFAULT_FAMILIES = tuple(
    one for one in ALL_FAMILIES if one not in (*FAMILIES_OF_THE_NETWORK, *FAMILIES_OF_MASKS)
)


class FeatureSettings(StrictModel):
    """What is measured around each candidate."""

    families: tuple[FamilyName, ...] = Field(
        DEFAULT_FAMILIES,
        min_length=1,
        description="feature families that are measured; also known: embedding and type_maps, "
        "which tell one network from another better than one particle from another, and mask, "
        "which comes to these by itself where masks are given",
    )
    shells: int = Field(6, ge=2, le=20, description="shells from the centre to 1.5 radii")
    neighbours: int = Field(3, ge=1, le=10, description="nearest candidates that are looked at")
    orientations: int = Field(
        600,
        ge=1,
        le=20000,
        description="orientations in which a structure or an average is compared",
    )
    tilt_range_degrees: float | None = Field(
        None,
        gt=0,
        le=90,
        description="tilts run from -this to this: what lies beyond is missing from a structure as "
        "from the tomogram; null: measured from the tomogram's own Fourier amplitudes",
    )
    tilt_axis: Literal["y", "x"] = Field(
        "y", description="axis that the specimen was tilted about, if tilt_range_degrees is given"
    )

    @field_validator("families")
    @classmethod
    def _each_once(cls, families: tuple[FamilyName, ...]) -> tuple[FamilyName, ...]:
        if len(set(families)) != len(families):
            raise ValueError("a family is listed twice")
        return families

    @property
    def has_mask(self) -> bool:
        """Whether it is measured how far inside a mask candidates are."""
        return "mask" in self.families

    def with_masks(self) -> "FeatureSettings":
        """Add what is measured by default where there are masks; chosen families stay."""
        if self.families != DEFAULT_FAMILIES:
            return self
        return self.model_copy(update={"families": (*self.families, *FAMILIES_OF_MASKS)})

    @property
    def has_templates(self) -> bool:
        """Whether candidates are compared with structures."""
        return "templates" in self.families

    @property
    def has_averages(self) -> bool:
        """Whether candidates are compared with an average of their type's picks."""
        return "averages" in self.families
