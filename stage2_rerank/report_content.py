"""``cv_report.json``: every figure of the cross-validation report."""

from pydantic import Field

from picking.config.strict_model import StrictModel

Interval = tuple[float, float]


class TypeFigures(StrictModel):
    """One particle type, pooled over all runs, as the metric counts."""

    fbeta: float
    precision: float
    recall: float
    tp: int = Field(description="references hit")
    fp: int = Field(description="picks less references hit")
    fn: int = Field(description="references missed")
    interval_95: Interval = Field(description="of fbeta, bootstrap over runs")


class RunTypeFigures(StrictModel):
    """One run, one particle type."""

    fbeta: float | None = Field(description="null: the run holds no reference of the type")
    found: int = Field(description="references hit")
    expected: int = Field(description="references")
    picks: int


class RunFigures(StrictModel):
    """One run, all types."""

    score: float | None = Field(
        description="weighted mean of fbeta over the types that the run holds; null: no weight"
    )
    found: int = Field(description="references hit")
    expected: int = Field(description="references")
    picks: int
    per_type: dict[str, RunTypeFigures]


class ProposalFigures(StrictModel):
    """One run's candidates: what both stages could at best find in it."""

    proposal_recall: float | None = Field(
        description="share of the references, of all types with a weight, that any candidate hits; "
        "null: no such reference"
    )
    per_type: dict[str, float | None] = Field(
        description="the same of each type; null: the run holds no reference of it"
    )


class StageFigures(StrictModel):
    """The score of one stage: models and thresholds of a fold come from the other folds."""

    score: float
    interval_95: Interval
    per_type: dict[str, TypeFigures] = Field(description="of the types that the truth holds")
    per_run: dict[str, RunFigures]


class GainFigures(StrictModel):
    """Two-stage less stage 1."""

    score: float
    interval_95: Interval = Field(description="paired bootstrap over runs")
    per_type: dict[str, float] = Field(description="difference of fbeta")
    per_type_interval_95: dict[str, Interval]


class ThresholdFigures(StrictModel):
    """Thresholds of one type: for test runs, and their range over the folds."""

    stage1: float
    stage1_folds: tuple[float, ...]
    two_stage_curve: float
    two_stage_curve_folds: tuple[float, ...]
    two_stage_probability: float
    two_stage_probability_folds: tuple[float, ...]


class Quantiles(StrictModel):
    """Spread of a score; null where there are no candidates."""

    q05: float | None
    q50: float | None
    q95: float | None


class LikenessFigures(StrictModel):
    """One type's candidates out of fold and in test runs, side by side."""

    proposal_out_of_fold: Quantiles
    proposal_test: Quantiles
    rerank_out_of_fold: Quantiles
    rerank_test: Quantiles
    picks_per_run_out_of_fold: float
    picks_per_run_test: float


class FeatureLikenessFigures(StrictModel):
    """How far a feature's values differ between training and test runs."""

    distance: float = Field(
        description="Kolmogorov-Smirnov distance, 0 to 1, of the candidates of training runs and "
        "of test runs, mean over the types"
    )
    null_distance: float | None = Field(
        description="the same of two halves of the training runs, parted by folds; null: a half "
        "has no candidates"
    )


class ReportContent(StrictModel):
    """Every figure of the report."""

    name: str = Field(description="name of this run of the pipeline")
    folds: int
    training_runs: int
    test_runs: int
    likeness_runs: int = Field(description="test runs that are no training runs as well")
    beta: float
    threshold_rule: str
    weights: dict[str, float]
    stage1: StageFigures
    two_stage: StageFigures
    gain: GainFigures
    proposal_recall: dict[str, float | None] = Field(
        description="share of the references that any candidate hits; null: no reference"
    )
    per_run: dict[str, ProposalFigures] = Field(description="recall of all candidates, by run")
    candidates_per_run: float = Field(description="mean number of candidates, all types")
    strength: dict[str, float] = Field(
        description="share of the trees' correction that the final classifier uses, by type"
    )
    thresholds: dict[str, ThresholdFigures]
    likeness: dict[str, LikenessFigures] | None = Field(
        description="null: no test run that is no training run as well"
    )
    feature_likeness: dict[str, FeatureLikenessFigures] | None = Field(
        description="all features, those that differ most first; null: not measured"
    )
    feature_likeness_median: FeatureLikenessFigures | None = Field(
        description="median of all features"
    )
