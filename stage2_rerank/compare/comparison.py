"""Several results folders side by side: their scores, and the settings that differ."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from picking.config.strict_model import StrictModel
from picking.errors import InputError
from stage2_rerank.compare.settings_table import read_settings

REPORT = "cv_report.json"
# Known by where the results stand; two folders always differ in it.
NAME_KEY = "name"
SEED_KEY = "seed"
# The ensemble stands in no settings file: a member's encoder and seed are arguments.
NETWORKS_KEY = "networks in stage1/"

Interval = tuple[float, float]


class ReportPart(BaseModel):
    """A part of ``cv_report.json``; what a comparison does not need may be anything."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class TypePart(ReportPart):
    """One particle type."""

    fbeta: float


class ScorePart(ReportPart):
    """A score with its interval."""

    score: float
    interval_95: Interval


class StagePart(ScorePart):
    """The score of one stage."""

    per_type: dict[str, TypePart]
    per_run: dict[str, object] = Field(description="only its runs are of interest")


class ComparedReport(ReportPart):
    """What a comparison needs of ``cv_report.json``, so that most other versions can be read."""

    name: str
    training_runs: int
    folds: int
    stage1: StagePart
    two_stage: StagePart
    gain: ScorePart

    @property
    def runs(self) -> frozenset[str]:
        """Runs that the scores were judged on."""
        return frozenset(self.two_stage.per_run)


class ComparedFolder(StrictModel):
    """One results folder."""

    label: str = Field(description="the report's name, or the folder where two share a name")
    report: ComparedReport
    settings: dict[str, str] = Field(description="value as JSON by dotted key")

    @property
    def seed(self) -> str | None:
        """The configuration's seed; None if the settings do not tell."""
        return self.settings.get(SEED_KEY)


class Comparison(StrictModel):
    """Results folders side by side."""

    folders: tuple[ComparedFolder, ...]
    unreadable: dict[str, str] = Field(description="why, by folder")
    differing: dict[str, tuple[str | None, ...]] = Field(
        description="settings that are not the same in all folders, by dotted key, one value for "
        "each folder; null: the folder's settings lack the key"
    )

    @property
    def judged_on_the_same_runs(self) -> bool:
        """Whether the scores may be set beside one another."""
        return len({folder.report.runs for folder in self.folders}) <= 1


def compare_folders(folders: Sequence[Path]) -> Comparison:
    """Read results folders and find what differs.

    Parameters
    ----------
    folders : sequence of Path
        ``results/NAME``, each given once.

    Returns
    -------
    Comparison
        In the order given. A folder that cannot be read is listed with the reason.
    """
    read: dict[Path, tuple[ComparedReport, dict[str, str]]] = {}
    unreadable = {}
    for folder in folders:
        try:
            read[folder] = read_report(folder / REPORT), _settings(folder)
        except InputError as error:
            unreadable[str(folder)] = str(error)
    names = [report.name for report, _ in read.values()]
    compared = tuple(
        ComparedFolder(
            label=report.name if names.count(report.name) == 1 else str(folder),
            report=report,
            settings=settings,
        )
        for folder, (report, settings) in read.items()
    )
    return Comparison(
        folders=compared,
        unreadable=unreadable,
        differing=differing_settings([folder.settings for folder in compared]),
    )


def read_report(path: Path) -> ComparedReport:
    """Read the part of a report that a comparison needs.

    Raises
    ------
    InputError
        If the file cannot be read, or lacks a figure that is needed.
    """
    try:
        return ComparedReport.model_validate_json(Path(path).read_bytes())
    except OSError as error:
        raise InputError(
            path, f"cannot be read ({error.strerror})", "make the report first"
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(
            path,
            f"is not a report of this version ({place + ': ' if place else ''}{first['msg']})",
            "make the report again",
        ) from None


def differing_settings(tables: Sequence[dict[str, str]]) -> dict[str, tuple[str | None, ...]]:
    """Find the keys whose values are not the same in all tables, by key, without the name."""
    keys = sorted({key for table in tables for key in table} - {NAME_KEY})
    values = {key: tuple(table.get(key) for table in tables) for key in keys}
    # Networks that were removed, and a folder without any settings, are unknown, which is no
    # difference.
    told = [bool(set(table) - {NETWORKS_KEY}) for table in tables]

    def known(key: str, row: tuple[str | None, ...]) -> set[str | None]:
        if key == NETWORKS_KEY:
            return set(row) - {None}
        return {value for value, settings in zip(row, told, strict=True) if settings}

    return {key: row for key, row in values.items() if len(known(key, row)) > 1}


def _settings(folder: Path) -> dict[str, str]:
    """Read a results folder's settings by dotted key, and the networks that were trained."""
    return read_settings(sorted((folder / "settings").glob("*.yaml"))) | _networks(folder)


def _networks(folder: Path) -> dict[str, str]:
    """Name the members that were trained, as far as they are still there."""
    stage1 = folder / "stage1"
    if not stage1.is_dir():
        return {}
    return {
        NETWORKS_KEY: ", ".join(sorted(path.name for path in stage1.iterdir() if path.is_dir()))
    }


class OtherResults(StrictModel):
    """Another results folder beside the one that is reported."""

    name: str
    seed: str | None = Field(description="null: its settings do not tell")
    same_runs: bool = Field(description="whether it was judged on the same runs")
    stage1: float
    two_stage: float
    gain: float
    gain_interval_95: Interval
    differing: tuple[str, ...] = Field(description="settings that are not the same, dotted keys")


def others_beside(results: Path, runs: frozenset[str]) -> tuple[OtherResults, ...]:
    """Summarise the reports of the other folders beside a results folder.

    Parameters
    ----------
    results : Path
        ``results/NAME``; its own report, which may be an older one, is left out.
    runs : frozenset of str
        Runs that its scores are judged on.

    Returns
    -------
    tuple of OtherResults
        By name; folders without a report that can be read are left out.
    """
    own = _settings(results)
    others = []
    for folder in sorted(results.resolve().parent.glob("*")):
        if folder == results.resolve():
            continue
        try:
            report, settings = read_report(folder / REPORT), _settings(folder)
        except InputError:
            continue
        others.append(
            OtherResults(
                name=folder.name,
                seed=settings.get(SEED_KEY),
                same_runs=report.runs == runs,
                stage1=report.stage1.score,
                two_stage=report.two_stage.score,
                gain=report.gain.score,
                gain_interval_95=report.gain.interval_95,
                differing=tuple(differing_settings([own, settings])),
            )
        )
    return tuple(others)
