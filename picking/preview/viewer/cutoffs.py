"""Where a result has set its cut-offs: what ``thresholds.json`` says of the final picks."""

from pathlib import Path
from typing import Self

from pydantic import ConfigDict, Field, model_validator

from picking.config.strict_model import StrictModel
from picking.files.json_models import StoredModel

# Its name in the folder of a result.
THRESHOLDS_NAME = "thresholds.json"
# Stage 2 writes more than is looked at here.
NOT_LOOKED_AT = ConfigDict(extra="ignore")


class _Threshold(StrictModel):
    model_config = NOT_LOOKED_AT

    value: float = Field(ge=0, le=1, description="candidates that score above it are kept")


class _ThresholdSet(StrictModel):
    model_config = NOT_LOOKED_AT

    two_stage: dict[str, _Threshold] = Field(description="on rerank_score, by rule")


class _TypeThresholds(StrictModel):
    model_config = NOT_LOOKED_AT

    final: _ThresholdSet = Field(description="for test runs")


class _Thresholds(StoredModel):
    PROBLEM = "holds no thresholds"
    IF_MISSING = "give the thresholds.json of a result"
    model_config = NOT_LOOKED_AT

    rule: str = Field(description="which of the rules decides")
    types: dict[str, _TypeThresholds] = Field(description="by particle type")

    @model_validator(mode="after")
    def _the_rule_is_there(self) -> Self:
        if any(self.rule not in of_type.final.two_stage for of_type in self.types.values()):
            raise ValueError(f"the rule '{self.rule}' has no value")
        return self


def read_cutoffs(path: Path) -> dict[str, float]:
    """Read the cut-off of each particle type: what a final pick's rerank_score has to exceed.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    thresholds = _Thresholds.read(path)
    return {
        name: item.final.two_stage[thresholds.rule].value for name, item in thresholds.types.items()
    }
