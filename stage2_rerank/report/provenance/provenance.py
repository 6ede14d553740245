"""How a result was made: configuration, versions, code, folds, devices, time and memory.

What stands in a results folder at that moment is read. Nothing here is an input of a rule, whose
age could make a report again.
"""

import importlib.metadata
import platform
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import Field

from picking.config.strict_model import StrictModel
from picking.files.precision import PrecisionTiming
from picking.files.training_record import TrainingRecord
from picking.scoring.folds import Folds
from stage2_rerank.compare.settings_table import read_settings
from stage2_rerank.report.provenance.code_revision import CodeRevision, code_revision
from stage2_rerank.report.provenance.rule_costs import RuleCost, rule_costs

# A result depends on these; asked for by name, because torch and LightGBM share no process.
PACKAGES = (
    "tomosieve",
    "torch",
    "segmentation-models-pytorch-3d",
    "lightgbm",
    "scikit-learn",
    "copick",
    "zarr",
    "numpy",
    "scipy",
    "pandas",
    "snakemake",
)


@dataclass(frozen=True)
class ProvenanceFiles:
    """Files that tell how a result was made.

    Parameters
    ----------
    settings : tuple of Path
        Settings files.
    trainings : tuple of Path
        Records of the trainings of stage 1.
    benchmarks : Path
        Folder of Snakemake's benchmarks; it may be missing.
    precision_timing : Path
        How the networks' precision was chosen; it may be missing.
    """

    settings: tuple[Path, ...]
    trainings: tuple[Path, ...]
    benchmarks: Path
    precision_timing: Path

    @classmethod
    def of_results(cls, folder: Path, members: Sequence[str]) -> Self:
        """Find those of ``results/NAME`` and of these members; there may be none."""
        folder = Path(folder)
        return cls(
            settings=tuple(sorted((folder / "settings").glob("*.yaml"))),
            # Members that the ensemble no longer has leave theirs behind.
            trainings=tuple(
                record
                for member in members
                for record in sorted((folder / "stage1" / member).glob("fold*/training.json"))
            ),
            benchmarks=folder / "benchmarks",
            precision_timing=folder / "stage1" / "precision_timing.json",
        )


class Provenance(StrictModel):
    """How a result was made."""

    code: CodeRevision | None = Field(
        description="of the code that made the report; null: it stands in no git checkout"
    )
    data: str | None = Field(description="where the tomograms come from; null: not told")
    python: str = Field(description="implementation and version")
    platform: str = Field(description="system and processor of the machine that made the report")
    packages: dict[str, str | None] = Field(description="versions; null: not installed")
    seed: int = Field(description="seed of everything that is drawn, but for the members' own")
    stage1_seeds: tuple[int, ...] = Field(description="seeds of the trainings")
    folds: tuple[tuple[str, ...], ...] = Field(description="runs that are judged in each fold")
    trainings: tuple[TrainingRecord, ...] = Field(description="trainings of stage 1")
    precision: PrecisionTiming | None = Field(
        description="how the networks' precision was chosen; null: not known"
    )
    devices: dict[str, int] = Field(description="trainings by device and dtype")
    rules: dict[str, RuleCost] = Field(description="time and memory by rule, from its benchmarks")
    settings: dict[str, str] = Field(description="value as JSON by dotted key")


def gather_provenance(
    files: ProvenanceFiles,
    folds: Folds,
    seed: int,
    data: str | None = None,
    jobs: Collection[str] = (),
) -> Provenance:
    """Gather how a result was made.

    Parameters
    ----------
    files : ProvenanceFiles
        What is there of records and benchmarks.
    folds : Folds
        Folds by run.
    seed : int
        The configuration's seed.
    data : str, optional
        Where the tomograms come from.
    jobs : collection of str
        Jobs whose benchmarks count, see
        :func:`stage2_rerank.report.provenance.rule_costs.jobs_of_result`.

    Returns
    -------
    Provenance

    Raises
    ------
    InputError
        If a settings file, a training's record or that of the precision is damaged.
    """
    records = [TrainingRecord.read(path) for path in files.trainings]
    trainings = tuple(
        sorted(
            # With fewer folds than before, records of the others are left over.
            (record for record in records if record.fold < folds.number),
            key=lambda record: (record.encoder, record.seed, record.fold),
        )
    )
    devices = [f"{training.device}, {training.precision}" for training in trainings]
    return Provenance(
        code=code_revision(),
        data=data,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        platform=platform.platform(),
        packages=package_versions(PACKAGES),
        seed=seed,
        stage1_seeds=tuple(sorted({training.seed for training in trainings})),
        folds=folds.folds,
        trainings=trainings,
        precision=(
            PrecisionTiming.read(files.precision_timing)
            if files.precision_timing.exists()
            else None
        ),
        devices={device: devices.count(device) for device in sorted(set(devices))},
        rules=rule_costs(files.benchmarks, jobs),
        settings=read_settings(files.settings),
    )


def package_versions(names: Sequence[str]) -> dict[str, str | None]:
    """Look up installed versions, without importing anything."""
    versions: dict[str, str | None] = {}
    for name in names:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = None
    return versions
