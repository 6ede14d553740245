"""Settings of the pretraining, which makes the weights that every other training starts from."""

from pydantic import Field

from picking.config.strict_model import StrictModel

# Of stage 1's training settings those that a pretraining shares; it has its own length, batch,
# learning rate and average.
OF_STAGE1_TRAINING = {
    "crop_zyx",
    "weight_decay",
    "warmup_fraction",
    "turns_about_z",
    "intensity_jitter",
    "cpu_threads",
}


class PretrainingSettings(StrictModel):
    """How `snakemake pretrain` makes a start from synthetic specimens."""

    seed: int = Field(15, ge=0, description="seed of its molecules, specimens, weights and crops")
    specimens: int = Field(320, gt=0, description="specimens, each made in its own way")
    steps: int = Field(42000, gt=0, description="optimiser steps")
    batch_size: int = Field(2, gt=0, description="crops a step")
    learning_rate: float = Field(4e-3, gt=0, description="highest learning rate of AdamW")
    ema_decay: float = Field(
        0.999, ge=0, lt=1, description="decay a step of the averaged weights that are kept"
    )
    near_particles: float = Field(
        0.85, ge=0, le=1, description="share of the crops that are centred near a particle"
    )
    molecule_weight: float = Field(
        0.01,
        ge=0,
        description="weight of telling every molecule from every other, against finding particles",
    )
