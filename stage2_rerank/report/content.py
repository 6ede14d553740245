"""``cv_report.json``: every figure of the cross-validation report."""

from pydantic import Field

from picking.config.strict_model import StrictModel
from stage2_rerank.classifier.importance_record import ImportanceFigures
from stage2_rerank.compare.comparison import OtherResults
from stage2_rerank.report.provenance.provenance import Provenance
from stage2_rerank.report.run_drift import RunDrift

Interval = tuple[float, float]


class TypeFigures(StrictModel):
    """One particle type, pooled over all runs, as the metric counts."""

    fbeta: float
    precision: float
    recall: float
    tp: int = Field(description="references hit")
    fp: int = Field(description="picks less references hit")
    fn: int = Field(description="references missed")
    interval_95: Interval = Field(description="of fbeta, t by a jackknife over runs")


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
    interval_95: Interval = Field(description="t by a jackknife over runs, paired")
    per_type: dict[str, float] = Field(description="difference of fbeta")
    per_type_interval_95: dict[str, Interval]
    per_run: dict[str, float | None] = Field(
        description="difference of the run's scores; null: it holds no type with a weight"
    )


class ThresholdFigures(StrictModel):
    """One threshold of one type."""

    value: float = Field(description="for test runs, from all training runs")
    interval_95: Interval | None = Field(description="bootstrap over the training runs")
    folds: tuple[float, ...] = Field(description="of each fold, from the other folds")


class TypeThresholdFigures(StrictModel):
    """Thresholds of one type by each rule."""

    stage1_curve: ThresholdFigures
    stage1_probability: ThresholdFigures
    two_stage_curve: ThresholdFigures
    two_stage_probability: ThresholdFigures
    flat_from: float | None = Field(
        description="lowest threshold on the out-of-fold rerank score whose fbeta is within 0.01 "
        "of the best; null: nothing is found at any"
    )
    flat_to: float | None = Field(description="the highest such threshold")


class RuleScore(StrictModel):
    """A score, or a difference of two, with thresholds by one rule."""

    score: float
    interval_95: Interval


class RuleFigures(StrictModel):
    """Stage 1 alone and both stages, if this rule set the thresholds of either."""

    stage1: RuleScore
    two_stage: RuleScore
    gain: RuleScore = Field(description="two-stage less stage 1")


class ReliabilityFigures(StrictModel):
    """Final candidates (duplicates suppressed) whose calibrated probability lies in (low, high]."""

    low: float
    high: float
    candidates: int
    positives: int
    mean_probability: float
    frequency: float
    frequency_interval_95: Interval


class LossFigures(StrictModel):
    """What became of one type's references and picks, both stages, out of fold."""

    references: int
    hit: int
    not_picked: int = Field(description="references that a candidate hits, but no pick")
    never_proposed: int = Field(description="references that no candidate hits")
    picks: int
    duplicates: int = Field(description="picks on a reference that a better pick hits")
    other_type: int = Field(description="picks on a reference of another type")
    nothing: int = Field(description="picks where no reference stands")
    fbeta_if_perfect: dict[str, float] = Field(description="if this alone were perfect")


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
        description="share of the correction that the final classifier uses, by type"
    )
    thresholds: dict[str, TypeThresholdFigures]
    by_rule: dict[str, RuleFigures] = Field(
        description="by either rule for the thresholds, the same for both stages"
    )
    reliability: dict[str, list[ReliabilityFigures]] = Field(
        description="calibrated probability against frequency, out of fold, by type"
    )
    loss: dict[str, LossFigures]
    score_if_perfect: dict[str, float] = Field(
        description="score if this alone were perfect in every type"
    )
    confusion: dict[str, dict[str, int]] = Field(
        description="picks by their type, then by the type of what stands there"
    )
    likeness: dict[str, LikenessFigures] | None = Field(
        description="null: no test run that is no training run as well"
    )
    feature_likeness: dict[str, FeatureLikenessFigures] | None = Field(
        description="all features, those that differ most first; null: not measured"
    )
    feature_likeness_median: FeatureLikenessFigures | None = Field(
        description="median of all features"
    )
    told_apart_auc: float | None = Field(
        description="area under the ROC curve of trees that tell candidates of test runs from "
        "those of training runs by their features; 0.5: not at all; null: not measured"
    )
    drift: RunDrift = Field(description="runs that are out of line")
    importance: ImportanceFigures | None = Field(None, description="by stage 2; null: not measured")
    made: Provenance | None = Field(None, description="how it was made; null: not known")
    others: tuple[OtherResults, ...] = Field((), description="other results beside these")
