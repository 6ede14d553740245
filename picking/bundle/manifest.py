"""``manifest.json``: what a model bundle holds, what it learnt from, and what it fits."""

import hashlib
from collections.abc import Collection, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from picking.config import PipelineConfig
from picking.config.pipeline import NAME
from picking.config.stage1_proposals import PrecisionName
from picking.config.strict_model import StrictModel
from picking.files.json_models import StoredModel

MANIFEST_NAME = "manifest.json"
CARD_NAME = "README.md"
STRUCTURES_NAME = "structures.npz"
AVERAGES_NAME = "learnt_averages.npz"
# More folds, networks or models than that is no bundle of ours.
MOST_FOLDS = 1000

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
# A folder below the result: nothing that leads out of it.
MemberName = Annotated[str, StringConstraints(pattern=rf"^{NAME.pattern}$", max_length=200)]
# How many files an error names.
NAMED_FILES = 3


class BundledFile(StrictModel):
    """One file of a bundle."""

    bytes: int = Field(ge=0, description="size")
    sha256: Sha256 = Field(description="checksum")


class TypeScore(StrictModel):
    """What the cross-validation said of a particle type."""

    fbeta: float
    fbeta_interval_95: tuple[float, float] = Field(
        description="t by a jackknife over the training runs"
    )
    precision: float
    recall: float
    references: int = Field(ge=0, description="particles in the training runs' truth")


class BundleManifest(StoredModel):
    """What a bundle is."""

    PROBLEM = "is not the manifest of a model bundle that this version can use"
    IF_MISSING = "give the folder or the zip file that `snakemake bundle` made"

    # Raised when an older tomosieve could no longer use a bundle.
    format: Literal[2] = Field(description="version of the bundle's layout")
    made_by: dict[str, str] = Field(description="versions of tomosieve and of what it stands on")
    made_at: str = Field(description="date and time, ISO 8601, UTC")
    data: str = Field(description="what it was trained on, as the report says it")
    config: PipelineConfig = Field(
        description="configuration of the training, particle types resolved, without paths"
    )
    precision: PrecisionName = Field(description="what the networks computed in")
    members: tuple[MemberName, ...] = Field(
        min_length=1, description="networks of every fold: encoder and seed"
    )
    folds: int = Field(ge=2, le=MOST_FOLDS, description="number of folds")
    training_runs: tuple[str, ...] = Field(description="names of the runs it was trained on")
    score: float = Field(description="score of the cross-validation, all types")
    types: dict[str, TypeScore] = Field(description="scores by particle type")
    files: dict[str, BundledFile] = Field(description="all files but this one, by path")

    @model_validator(mode="before")
    @classmethod
    def _picks_as_it_was_tuned(cls, content: Any) -> Any:
        """Let a bundle from before statistics adapted pick without: its thresholds are of that."""
        try:
            prediction = content["config"]["stage1_proposals"]["prediction"]
            prediction.setdefault("adapted_statistics", 0.0)
        except (AttributeError, KeyError, TypeError):
            pass  # what is wrong is said where the fields are checked
        return content

    @model_validator(mode="after")
    def _holds_what_it_has_to(self) -> Self:
        if self.config.particles is None:
            raise ValueError("names no particle types")
        models = (self.config.stage2_rerank.classifier.bags + 1) * len(self.config.particles)
        least = len(self.members) * self.folds + models
        # Before they are named: a few digits can ask for more files than fit into the memory.
        if least > len(self.files):
            raise ValueError(
                f"lists {len(self.files)} files, but its networks and types ask for {least} and "
                "more"
            )
        expected = {*self.result_files, CARD_NAME}
        missing, further = expected - self.files.keys(), self.files.keys() - expected
        if missing or further:
            raise ValueError(
                "lists other files than its networks and types ask for: lacks "
                f"{_named(missing)}, has also {_named(further)}"
            )
        return self

    @property
    def voxel_angstrom(self) -> float:
        """Voxel size of the tomograms that the networks know, Å."""
        return self.config.resample_to or self.config.voxel_spacing

    @property
    def digest(self) -> str:
        """Digest of what the bundle's files hold, wherever they are and whenever they were made."""
        checksums = sorted((name, self.files[name].sha256) for name in self.result_files)
        return hashlib.sha256(repr(checksums).encode()).hexdigest()

    @property
    def result_files(self) -> tuple[str, ...]:
        """Files that have their place in a result."""
        return result_files(self.config, self.members, self.folds, self.has_averages)

    @property
    def has_averages(self) -> bool:
        """Whether averages of picks stand in for structures; the configuration lost their paths."""
        return AVERAGES_NAME in self.files


def result_files(
    config: PipelineConfig, members: Sequence[str], folds: int, has_averages: bool
) -> tuple[str, ...]:
    """List the files of a result that a bundle takes with it, relative to the result's folder.

    Parameters
    ----------
    config : PipelineConfig
        Configuration of the training, particle types resolved.
    members : sequence of str
        Names of the ensemble's members.
    folds : int
        Number of folds.
    has_averages : bool
        Whether candidates are compared with averages of picks
        (:attr:`picking.config.PipelineConfig.needs_averages`, of the training's configuration).
    """
    bags = config.stage2_rerank.classifier.bags
    return (
        *([STRUCTURES_NAME] if config.features.has_templates else []),
        *([AVERAGES_NAME] if has_averages else []),
        "folds.json",
        "picks_density.json",
        "thresholds.json",
        "truth.csv",
        "out_of_fold.parquet",
        "cv_report.json",
        "training_summary.json",
        *(
            f"stage1/{member}/fold{fold}/weights.safetensors"
            for member in members
            for fold in range(folds)
        ),
        *(
            f"stage2/{particle.name}{ending}"
            for particle in config.known_particles
            for ending in (".json", *classifier_endings(bags))
        ),
    )


def _named(files: Collection[str]) -> str:
    """Name a few of the files."""
    named = ", ".join(sorted(files)[:NAMED_FILES]) or "none"
    more = len(files) - NAMED_FILES
    return f"{named} and {more} more" if more > 0 else named


def classifier_endings(bags: int) -> list[str]:
    """List what the classifier files of a type, one for each averaged model, end with."""
    return [f".bag{bag}.txt" if bag else ".txt" for bag in range(bags)]
