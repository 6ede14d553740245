"""The whole configuration: the data, and a section for each stage."""

import re
from pathlib import Path

from pydantic import Field, field_validator, model_validator

from picking.config.features import FeatureSettings
from picking.config.particles import LONGEST_NAME, ParticleType, ScoringSettings
from picking.config.stage1_proposals import Stage1Settings
from picking.config.stage2_rerank import Stage2Settings
from picking.config.strict_model import NameOrNumber, StrictModel, text_of_number
from picking.config.synthetic import SyntheticSettings

# Names become folders and parts of command lines.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class FoldSettings(StrictModel):
    """How the training runs are split for cross-validation."""

    number: int = Field(4, ge=2, description="folds; never more than there are training runs")


class TruthSettings(StrictModel):
    """Which picks of a copick project are the truth."""

    user_id: NameOrNumber | None = Field(
        None, min_length=1, description="copick user whose picks count; null: anyone's"
    )
    session_id: NameOrNumber | None = Field(
        None, min_length=1, description="copick session that counts; null: any"
    )


class PipelineConfig(StrictModel):
    """Everything that a result depends on."""

    name: str = Field(
        "synthetic",
        description="results are written to results/{name}; letters, digits, '.', '_', '-' only",
    )
    seed: int = Field(0, ge=0, description="seed of everything that is drawn")
    dataset: Path | None = Field(None, description="folder in Kaggle's layout; only read")
    copick: Path | None = Field(None, description="configuration file of a copick project")
    synthetic_folder: Path = Field(
        Path("data/synthetic"),
        description="where the embedded default's data set is made, if neither dataset nor copick "
        "is given; the truth of its test runs is FOLDER-truth.csv, and what it was made from is in "
        "FOLDER-settings. Names that share the folder share the data set: if "
        "their seed or synthetic settings differ, each makes it again, so give each its own folder",
    )
    leave_out: tuple[NameOrNumber, ...] = Field(
        (), description="runs that are ignored, for instance one whose tomogram is damaged"
    )
    tomo_type: NameOrNumber = Field(
        "denoised", min_length=1, description="kind of tomogram that is picked from"
    )
    voxel_spacing: float = Field(10.0, gt=0, description="copick's voxel spacing, Å")
    particles: tuple[ParticleType, ...] | None = Field(
        None,
        description="particle types; null: copick's pickable objects, or for a Kaggle folder the "
        "challenge's six",
    )
    scoring: ScoringSettings = ScoringSettings()
    truth: TruthSettings = TruthSettings()
    folds: FoldSettings = FoldSettings()
    synthetic: SyntheticSettings = SyntheticSettings()
    stage1_proposals: Stage1Settings = Stage1Settings()
    features: FeatureSettings = FeatureSettings()
    stage2_rerank: Stage2Settings = Stage2Settings()

    @field_validator("name", mode="before")
    @classmethod
    def _name_is_usable(cls, name: object) -> object:
        if not isinstance(name, str):
            raise ValueError(f"{name!r} is not text; begin the name with a letter")
        if len(name) > LONGEST_NAME:
            raise ValueError(f"is {len(name)} characters long; use {LONGEST_NAME} at most")
        if not NAME.fullmatch(name):
            raise ValueError(
                f"{name!r} cannot name a folder; use letters, digits, '.', '_' and '-', and begin "
                "with a letter or digit"
            )
        return name

    @field_validator("dataset", "copick", "synthetic_folder", mode="before")
    @classmethod
    def _path_is_not_empty(cls, path: object) -> object:
        path = text_of_number(path)
        # pathlib takes an empty path for the present folder.
        if isinstance(path, str) and not path.strip():
            raise ValueError("the path is empty; give one or leave the key out")
        return path

    @field_validator("particles")
    @classmethod
    def _no_duplicates(
        cls, particles: tuple[ParticleType, ...] | None
    ) -> tuple[ParticleType, ...] | None:
        if particles is None:
            return None
        if not particles:
            raise ValueError("the list is empty")
        for attribute in ("name", "label"):
            values = [
                value
                for particle in particles
                if (value := getattr(particle, attribute)) is not None
            ]
            if len(set(values)) != len(values):
                raise ValueError(f"two particle types share a {attribute}")
        return particles

    @model_validator(mode="after")
    def _one_source(self) -> "PipelineConfig":
        if self.dataset is not None and self.copick is not None:
            raise ValueError("dataset and copick are both given; give one of the two")
        return self

    def particle(self, name: str) -> ParticleType:
        """Particle type of that name; ``particles`` must be resolved."""
        return next(particle for particle in self.known_particles if particle.name == name)

    @property
    def is_synthetic(self) -> bool:
        """Whether the data are the embedded default's."""
        return self.dataset is None and self.copick is None

    @property
    def known_particles(self) -> tuple[ParticleType, ...]:
        """The particle types once they are resolved (see ``picking.data_in.inventory``)."""
        if self.particles is None:
            raise ValueError("particle types are not resolved yet")
        return self.particles

    def match_radius_angstrom(self, particle: ParticleType) -> float:
        """Distance in Å within which a pick hits a reference."""
        return particle.radius_angstrom * self.scoring.distance_multiplier
