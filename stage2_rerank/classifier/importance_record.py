"""What stage 2 learnt of one particle type, as training writes it and the report reads it."""

from pathlib import Path

from pydantic import Field

from picking.config.strict_model import StrictModel
from picking.files.json_models import read_model


class PermutationRise(StrictModel):
    """How much worse the fold classifiers judge runs that they never saw once values are permuted.

    Rise of the decision loss, summed over all candidates and divided by the number of positives.
    """

    rise: float = Field(description="mean over the repeats; about zero: not needed")
    spread: float = Field(ge=0, description="standard deviation over the repeats")
    standard_error: float = Field(ge=0, description="of the rise, from how the runs differ")


class FamilyImportance(StrictModel):
    """What one family of features is worth."""

    features: int = Field(description="number of features")
    permutation: PermutationRise = Field(description="all features of the family together")
    gain_share: float = Field(ge=0, le=1, description="of the final trees' gain; 0: no trees")
    linear_effect: float = Field(
        ge=0, description="mean size, in log odds, of the final linear correction by the family"
    )


class FeatureImportance(StrictModel):
    """What one feature is worth."""

    family: str
    weight: float = Field(
        ge=0,
        description="mean over the fold classifiers of the share in the sum of the linear "
        "coefficients' sizes plus the share in the trees' gain, times the strength",
    )
    permutation: PermutationRise = Field(description="of this feature alone")


class PartialDependence(StrictModel):
    """Mean change of the log odds when a feature takes a value, all others left as they are."""

    values: tuple[float, ...] = Field(description="of the feature, rising: quantiles")
    change: tuple[float, ...] = Field(
        description="log odds less their mean over these values; mean over the fold classifiers, "
        "each on candidates that it never saw"
    )
    lowest: tuple[float, ...] = Field(description="of any fold classifier")
    highest: tuple[float, ...] = Field(description="of any fold classifier")


class ImportanceOfType(StrictModel):
    """What stage 2 learnt of one particle type; losses are those of ``PermutationRise``."""

    particle_type: str
    candidates: int = Field(description="candidates of the training runs")
    positives: int = Field(description="positive ones among them")
    strength: float = Field(description="share of its correction that the final classifier uses")
    fold_strengths: tuple[float, ...] = Field(description="the same of the folds' classifiers")
    loss: float = Field(description="decision loss a positive, out of fold, both stages")
    loss_stage1: float = Field(description="the same of stage 1's calibrated score alone")
    repeats: int = Field(description="permutations of each family and feature")
    families: dict[str, FamilyImportance]
    features: dict[str, FeatureImportance] = Field(
        description="those of the greatest weight, the greatest rise first"
    )
    partial_dependence: dict[str, PartialDependence] = Field(
        description="of the features with the greatest rise"
    )

    def share_of_loss(self, rise: float) -> float:
        """Return a rise as a share of the loss of both stages; 0 where there is no loss."""
        return rise / self.loss if self.loss > 0 else 0.0


class ImportanceFigures(StrictModel):
    """What stage 2 learnt, of every particle type."""

    families: tuple[str, ...] = Field(description="families that any type's features have")
    per_type: dict[str, ImportanceOfType]

    @property
    def used(self) -> tuple[str, ...]:
        """Types of which any classifier uses its correction."""
        return tuple(
            name
            for name, of_type in self.per_type.items()
            if of_type.strength > 0 or any(of_type.fold_strengths)
        )


def read_importance(path: Path) -> ImportanceOfType:
    """Read what training wrote with ``--importance``.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    return read_model(
        path, ImportanceOfType, problem="is not what stage 2 learnt", if_missing="train stage 2"
    )
