"""What a training of stage 1 leaves about itself, for the report."""

from pydantic import Field

from picking.files.json_models import StoredModel


class TrainingRecord(StoredModel):
    """One training; ``stage1/{member}/fold{k}/training.json``."""

    PROBLEM = "holds no training's record"
    IF_MISSING = "train stage 1 again"

    encoder: str
    fold: int
    seed: int
    start: str = Field("nothing", description="what it started from")
    steps: int
    runs: int = Field(description="training runs that it learnt from")
    device: str = Field(description="cpu, or cuda and the card's name")
    precision: str = Field(description="what the network computed in")
    seconds: float = Field(description="of the process that ended it, not of interrupted ones")
