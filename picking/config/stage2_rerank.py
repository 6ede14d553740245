"""Settings of stage 2: the classifiers, their calibration, thresholds and the final picks."""

from typing import Annotated, Literal

from pydantic import Field

from picking.config.features import FamilyName
from picking.config.strict_model import StrictModel

ThresholdRule = Literal["curve", "probability"]


# Chosen on development data, confirmed on another set (docs/experiments.md): what a candidate
# itself looks like says more than where it lies.
FAMILY_SCALES: dict[FamilyName, float] = {
    "intensity": 1.5,
    "gradient": 2.0,
    "shape": 0.7,
    "texture": 1.5,
    "context": 0.5,
    "templates": 3.0,
    "averages": 3.0,
}


class ClassifierSettings(StrictModel):
    """One classifier per particle type: a linear correction, then LightGBM."""

    linear_l2: float = Field(
        20.0,
        gt=0,
        description="L2 regularisation of the linear correction; a feature one standard deviation "
        "off is expected to change the log odds by about 1/sqrt(linear_l2)",
    )
    square_l2: float | None = Field(
        120.0,
        gt=0,
        description="the same for the squares of the features' deviations, which say how far from "
        "usual a candidate is, on either side; null: no squares",
    )
    family_scales: dict[FamilyName, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict,
        description="how large the corrections by a family's features are expected to be, in "
        "1/sqrt(linear_l2); others keep theirs: 3 for templates and averages, 2 for gradient, 1.5 "
        "for intensity and texture, 0.7 for shape, 0.5 for context, else 1",
    )
    learning_rate: float = Field(0.04, gt=0, description="shrinkage of a tree")
    num_leaves: int = Field(5, ge=2, description="leaves of a tree")
    max_trees: int = Field(150, gt=0, description="most trees; early stopping takes fewer")
    trees_from_positives: int = Field(
        80,
        ge=0,
        description="positive candidates of a type from which on trees are grown; of fewer the "
        "linear correction learns all that can be told from chance",
    )
    patience: int = Field(30, gt=0, description="trees without progress before stopping")
    min_child_samples: int = Field(20, gt=0, description="least candidates in a leaf")
    feature_fraction: float = Field(0.5, gt=0, le=1, description="share of features a tree sees")
    bagging_fraction: float = Field(0.7, gt=0, le=1, description="share of candidates a tree sees")
    l2: float = Field(5.0, ge=0, description="L2 regularisation of the leaves")
    bags: int = Field(4, gt=0, description="models of different seeds that are averaged")
    positive_weight: float = Field(
        1.0, gt=0, description="weight of a positive candidate against a negative one"
    )

    def scale_of_family(self, family: str) -> float:
        """Return how large a family's corrections are expected to be, in 1/sqrt(linear_l2)."""
        scales = FAMILY_SCALES | self.family_scales
        return next((scale for name, scale in scales.items() if name == family), 1.0)


class Stage2Settings(StrictModel):
    """Stage 2, which re-ranks the candidates and decides which are picks."""

    classifier: ClassifierSettings = ClassifierSettings()
    threshold_rule: ThresholdRule = Field(
        "probability",
        description="'probability': keep a candidate if its calibrated probability exceeds "
        "F/(1 + beta^2), solved for the fixed point; 'curve': best pooled out-of-fold F-beta. "
        "The same rule decides for stage 1 alone, whose score is calibrated for it",
    )
    suppression_fraction: float = Field(
        0.8, gt=0, description="least distance of two final picks, as a fraction of the radius"
    )
    compare_test_runs: bool = Field(
        True,
        description="whether the report compares test runs (of many, 50 evenly chosen ones) with "
        "training runs; false: cv_report picks no test run",
    )
