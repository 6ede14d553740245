"""``picks_report.json``: every figure of the picks report."""

from pydantic import BaseModel, ConfigDict, Field

from picking.config.strict_model import StrictModel
from stage2_rerank.report.run_drift import DriftFigures

Interval = tuple[float, float]


class ExpectedPart(BaseModel):
    """A part of the training's ``cv_report.json``; what is not needed here may be anything."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class ExpectedType(ExpectedPart):
    """One particle type, as cross-validation found it."""

    fbeta: float
    precision: float
    recall: float
    interval_95: Interval = Field(description="of fbeta, t by a jackknife over the training runs")


class ExpectedScores(ExpectedPart):
    """Both stages, out of fold."""

    score: float
    interval_95: Interval
    per_type: dict[str, ExpectedType]


class CrossValidation(ExpectedPart):
    """What the training's cross-validation says of picks of like tomograms."""

    beta: float
    training_runs: int
    two_stage: ExpectedScores


class FailedRun(StrictModel):
    """A run without an answer."""

    run: str
    stage: str
    reason: str


class TypeAnswer(StrictModel):
    """The picks of one particle type in all runs."""

    picks: int
    likely_true: float = Field(description="sum of the picks' calibrated probabilities")
    threshold: float = Field(description="kept is what scores above")


class MeasureLikeness(StrictModel):
    """One measure of the runs beside the training runs."""

    training: float | None = Field(description="median of the training runs")
    sigma: float | None = Field(description="robust standard deviation of the training runs")
    median: float | None = Field(description="median of these runs")
    shift: float | None = Field(description="by how many sigmas the medians differ")
    limit: float = Field(description="what a shift has to exceed; chance hardly does")
    is_unlike: bool


class DistanceFigures(StrictModel):
    """How far a score or a feature is from what it was in training."""

    distance: float = Field(
        description="Kolmogorov-Smirnov distance of the candidates from the training candidates"
    )
    by_chance: float | None = Field(
        description="what as many runs like the training runs would differ by; null: not known"
    )
    is_unlike: bool


class Likeness(StrictModel):
    """Whether the classifiers have learnt from such tomograms."""

    is_unlike: bool | None = Field(description="null: too little is known to tell")
    unlike_in: tuple[str, ...] = Field(description="in words")
    measures: dict[str, MeasureLikeness]
    scores: dict[str, dict[str, DistanceFigures]] = Field(
        description="by particle type, then by score"
    )
    features: dict[str, DistanceFigures] = Field(
        description="mean over the types, those most beyond chance first"
    )
    namesakes: int = Field(description="runs that bear the name of a training run")


class RunFigures(StrictModel):
    """One run."""

    volume_cubic_angstrom: float
    picks: DriftFigures = Field(description="all types, beside the same volume of training runs")
    types: dict[str, DriftFigures] = Field(description="picks by particle type, likewise")
    measures: dict[str, DriftFigures]
    out_of_line: tuple[str, ...] = Field(description="what is out of line, in words")


class MeanFigures(StrictModel):
    """The mean subtomogram of some picks of one type."""

    label: str
    picks: int
    probability: Interval = Field(description="lowest and highest of the picks")
    contrast: float = Field(
        description="how much darker the particle is than what surrounds it, in the tomograms' "
        "standard deviations; about 0 where nothing is"
    )
    standard_error: float | None = Field(description="of the contrast; null: of one pick")


class PicksReportContent(StrictModel):
    """Every figure of the picks report."""

    name: str = Field(description="name of this result")
    notes: tuple[str, ...]
    runs: int = Field(description="runs with an answer")
    training_runs: int
    failed: tuple[FailedRun, ...]
    types: dict[str, TypeAnswer]
    expected: CrossValidation | None = Field(description="null: the report is not at hand")
    likeness: Likeness
    per_run: dict[str, RunFigures] = Field(description="those most out of line first")
    means: dict[str, tuple[MeanFigures, ...]] = Field(description="by particle type")
    pictured_runs: tuple[str, ...] = Field(description="runs whose tomograms were looked at")
