"""``thresholds.json``: what a score has to exceed, for the final picks and for every fold."""

from typing import Literal

from pydantic import Field

from picking.config.stage2_rerank import ThresholdRule
from picking.config.strict_model import StrictModel
from picking.files.json_models import StoredModel

THRESHOLD_RULES: tuple[ThresholdRule, ThresholdRule] = ("probability", "curve")
Stage = Literal["stage1", "two_stage"]
STAGES: tuple[Stage, Stage] = ("stage1", "two_stage")
SCORE_COLUMNS: dict[Stage, str] = {"stage1": "proposal_score", "two_stage": "rerank_score"}


class Threshold(StrictModel):
    """One threshold."""

    value: float = Field(ge=0, le=1, description="candidates that score above it are kept")
    fitted_fbeta: float = Field(
        description="F-beta on the very runs that it was fitted on: optimistic"
    )
    interval_95: tuple[float, float] | None = Field(
        None, description="bootstrap over the runs that it was fitted on; null: not measured"
    )


class RuleThresholds(StrictModel):
    """Thresholds on one score, by either rule."""

    curve: Threshold = Field(description="by the pooled curve")
    probability: Threshold = Field(description="by p > F/(1 + beta²)")

    def by(self, rule: ThresholdRule) -> Threshold:
        """Threshold by ``rule``."""
        return self.curve if rule == "curve" else self.probability


class ThresholdSet(StrictModel):
    """Thresholds that were fitted on the same runs."""

    stage1: RuleThresholds = Field(
        description="on proposal_score; for p it is calibrated on the same runs"
    )
    two_stage: RuleThresholds = Field(description="on rerank_score, which is a probability")

    def of(self, stage: Stage) -> RuleThresholds:
        """Thresholds on the score of ``stage``."""
        return self.stage1 if stage == "stage1" else self.two_stage


class TypeThresholds(StrictModel):
    """Thresholds of one particle type."""

    final: ThresholdSet = Field(description="for test runs, from all training runs")
    folds: tuple[ThresholdSet, ...] = Field(description="for each fold, from the other folds")


class Thresholds(StoredModel):
    """Thresholds of all particle types."""

    PROBLEM = "holds no thresholds"
    IF_MISSING = "tune the thresholds first"

    rule: ThresholdRule = Field(description="which of the two rules decides, for both stages")
    beta: float = Field(description="F-beta's beta")
    types: dict[str, TypeThresholds] = Field(description="by particle type")

    def decisive(self, thresholds: ThresholdSet, stage: Stage) -> Threshold:
        """Threshold that decides for ``stage``."""
        return thresholds.of(stage).by(self.rule)

    def final_values(self, stage: Stage = "two_stage") -> dict[str, float]:
        """Value for test runs by particle type.

        Parameters
        ----------
        stage : {"stage1", "two_stage"}
            On whose score: proposal_score or rerank_score.

        Returns
        -------
        dict of str to float
            Candidates that score above are kept.
        """
        return {
            name: self.decisive(of_type.final, stage).value for name, of_type in self.types.items()
        }

    def fold_values(self, fold: int, stage: Stage) -> dict[str, float]:
        """Value for the runs of a fold, fitted on the other folds, by particle type.

        Parameters
        ----------
        fold : int
            Number of the fold.
        stage : {"stage1", "two_stage"}
            On whose score.

        Returns
        -------
        dict of str to float
        """
        return {
            name: self.decisive(of_type.folds[fold], stage).value
            for name, of_type in self.types.items()
        }
