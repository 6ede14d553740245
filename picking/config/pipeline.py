"""The whole configuration: the data, and a section for each stage."""

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from picking.config.features import FeatureSettings
from picking.config.masks import MaskSettings
from picking.config.mrc import MrcSettings, Paths, PicksPaths
from picking.config.names import LONGEST_NAME
from picking.config.particles import CZII_PARTICLES, ParticleType, ScoringSettings
from picking.config.picks import PicksSettings
from picking.config.pretraining import PretrainingSettings
from picking.config.stage1_proposals import Stage1Settings
from picking.config.stage2_rerank import Stage2Settings
from picking.config.strict_model import NameOrNumber, StrictModel, text_of_number
from picking.config.synthetic import SyntheticSettings
from picking.config.truth import TruthSettings

# Names become folders and parts of command lines.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

# Keys that name data; one of them at most is given.
SOURCES = ("dataset", "copick", "tomograms")

# What happens to the other runs if one cannot be picked.
OnError = Literal["skip", "stop"]


class FoldSettings(StrictModel):
    """How the training runs are split for cross-validation."""

    number: int = Field(4, ge=2, description="folds; never more than there are training runs")


class PipelineConfig(StrictModel):
    """Everything that a result depends on."""

    name: str = Field(
        "synthetic",
        description="results are written to results/{name}; letters, digits, '.', '_', '-' only",
    )
    seed: int = Field(0, ge=0, description="seed of everything that is drawn")
    dataset: Path | None = Field(None, description="folder in Kaggle's layout; only read")
    copick: Path | None = Field(None, description="configuration file of a copick project")
    tomograms: Paths | None = Field(
        None,
        description="MRC files (.mrc, .rec, also .gz): a folder, a pattern such as "
        "'/data/*/rec_*.mrc', or a list of both; only read",
    )
    picks: PicksPaths | None = Field(
        None,
        description="picks of the tomograms in MRC files, from RELION's STAR files or Dynamo's "
        "tables: one file, a list, or a file or list for each particle type, as {ribosome: FILE}",
    )
    masks: MaskSettings | None = Field(
        None,
        description="where picks count, as inside a cell: MRC files (RUN_mask.mrc, also .gz; a "
        "folder, a pattern, or a list of both), or a segmentation of a copick project, as "
        "{segmentation: NAME, user_id: USER, session_id: SESSION}; what is not 0 is inside. null: "
        "picks count everywhere",
    )
    bundle: Path | None = Field(
        None,
        description="model bundle (folder or zip) that picks the data: nothing is trained, and "
        "what the models depend on (particle types, networks, features, thresholds) comes with it",
    )
    other_tomo_type: bool = Field(
        False,
        description="whether a bundle may pick tomograms of another tomo_type than it learnt from; "
        "only for the same kind of tomogram under another name",
    )
    on_error: OnError | None = Field(
        None,
        description="what a run that cannot be picked does to the others. skip: it is left out and "
        "listed in failed_runs.csv; stop: nothing is picked. null: skip with a bundle, else stop. "
        "A training run that cannot be read always stops",
    )
    hours: float | None = Field(
        None,
        gt=0,
        description="time for picking with a bundle, from the start of the command. If it gets "
        "short, the networks look at the remaining tomograms in fewer passes, in the end one "
        "network in one pass. null: as long as it takes",
    )
    resample_to: float | None = Field(
        None,
        gt=0,
        description="voxel size that tomograms are resampled to when they are read, Å; null: they "
        "are taken as they are",
    )
    synthetic_folder: Path = Field(
        Path("data/synthetic"),
        description="where the embedded default's data set is made, if no data are given; the "
        "truth of its test runs is FOLDER-truth.csv, and what it was made from is in "
        "FOLDER-settings. Names that share the folder share the data set: if "
        "their seed or synthetic settings differ, each makes it again, so give each its own folder",
    )
    leave_out: tuple[NameOrNumber, ...] = Field(
        (), description="runs that are ignored, for instance one whose tomogram is damaged"
    )
    tomo_type: NameOrNumber = Field(
        "denoised", min_length=1, description="kind of tomogram that is picked from"
    )
    voxel_spacing: float = Field(
        10.0,
        gt=0,
        description="copick's voxel spacing, Å; of MRC files that of their headers, unless it is "
        "given, which overrides them",
    )
    particles: tuple[ParticleType, ...] | None = Field(
        None,
        description="particle types; null: copick's pickable objects, or for a Kaggle folder the "
        "challenge's six; needed for MRC files",
    )
    scoring: ScoringSettings = ScoringSettings()
    truth: TruthSettings = TruthSettings()
    mrc: MrcSettings = MrcSettings()
    folds: FoldSettings = FoldSettings()
    synthetic: SyntheticSettings = SyntheticSettings()
    pretraining: PretrainingSettings = PretrainingSettings()
    stage1_proposals: Stage1Settings = Stage1Settings()
    features: FeatureSettings = FeatureSettings()
    stage2_rerank: Stage2Settings = Stage2Settings()
    final_picks: PicksSettings = PicksSettings()

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

    @field_validator("tomo_type")
    @classmethod
    def _tomo_type_is_usable(cls, tomo_type: str) -> str:
        # Part of the name of a folder; a bundle brings one too, which may lead nowhere else.
        separators = {"/", "\\"} & {*tomo_type}
        if separators or not tomo_type.isprintable() or len(tomo_type) > LONGEST_NAME:
            raise ValueError(
                f"{tomo_type[:LONGEST_NAME]!r} cannot be part of a folder's name; use "
                f"{LONGEST_NAME} printable characters at most, without '/' and '\\'"
            )
        return tomo_type

    @field_validator("dataset", "copick", "bundle", "synthetic_folder", mode="before")
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
        given = [name for name in SOURCES if getattr(self, name) is not None]
        if len(given) > 1:
            one, other, *_ = given
            raise ValueError(f"{one} and {other} are both given; give one of the two")
        if self.picks is not None and self.tomograms is None:
            raise ValueError("picks is for tomograms in MRC files; give these as tomograms")
        if self.hours is not None and self.bundle is None:
            raise ValueError("hours is for picking with a bundle; a training takes its time")
        return self

    def particle(self, name: str) -> ParticleType:
        """Particle type of that name; ``particles`` must be resolved."""
        return next(particle for particle in self.known_particles if particle.name == name)

    @property
    def on_error_of_test_runs(self) -> OnError:
        """What a test run that cannot be picked does to the others."""
        return self.on_error or ("stop" if self.bundle is None else "skip")

    @property
    def is_synthetic(self) -> bool:
        """Whether the data are the embedded default's."""
        return all(getattr(self, source) is None for source in SOURCES)

    @property
    def known_particles(self) -> tuple[ParticleType, ...]:
        """The particle types once they are resolved (see ``picking.data_in.inventory``)."""
        if self.particles is None:
            raise ValueError("particle types are not resolved yet")
        return self.particles

    @property
    def needs_averages(self) -> bool:
        """Whether candidates may have to be compared with averages of picks.

        So if their family is measured, or if one stands in for a structure: a type has none, and
        this project no model of it. copick's object may still have a density map.
        """
        modelled = {particle.name for particle in CZII_PARTICLES}
        return self.features.has_averages or (
            self.features.has_templates
            and any(
                particle.structure is None and particle.name not in modelled
                for particle in self.known_particles
            )
        )

    @property
    def tomogram_kind(self) -> tuple[str, float, float | None]:
        """Which tomogram of a run is read, and what it is resampled to.

        ``tomo_type``, ``voxel_spacing`` and ``resample_to``, as
        :func:`picking.files.tomogram.read_tomogram` takes them.
        """
        return self.tomo_type, self.voxel_spacing, self.resample_to

    def match_radius_angstrom(self, particle: ParticleType) -> float:
        """Distance in Å within which a pick hits a reference."""
        return particle.radius_angstrom * self.scoring.distance_multiplier
