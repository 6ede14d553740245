"""Settings of stage 1: targets, network, training, prediction, peaks."""

import math
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from picking.config.strict_model import StrictModel

PRETRAINED: Literal["pretrained"] = "pretrained"
NOTHING: Literal["nothing"] = "nothing"
Start = Literal["pretrained", "nothing"] | Path
PrecisionName = Literal["float32", "bfloat16", "float16"]
# Encoders name members, and members name folders.
EncoderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Sides = tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]]


class EnsembleSettings(StrictModel):
    """The ensemble: in every fold one member for each encoder and seed, averaged in score space."""

    encoders: tuple[EncoderName, ...] = Field(
        ("resnet18-w24",),
        min_length=1,
        description="encoders of segmentation-models-pytorch-3d; of its ResNets also narrow ones: "
        "resnet18-w24 has 24 channels in its first stage, where resnet18 has 64",
    )
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        (0,), min_length=1, description="seeds of weights and crops"
    )

    @field_validator("encoders", "seeds")
    @classmethod
    def _each_once(cls, values: tuple[object, ...], info: ValidationInfo) -> tuple[object, ...]:
        if len(set(values)) != len(values):
            raise ValueError(
                f"one of the {info.field_name} is listed twice; give every member its own"
            )
        return values


class NetworkSettings(StrictModel):
    """The 3D network of every member, from segmentation-models-pytorch-3d's parts."""

    depth: int = Field(3, ge=2, le=5, description="number of halvings in the encoder")
    decoder_channels: tuple[Annotated[int, Field(gt=0)], ...] = Field(
        (16, 8), description="channels of the decoder's blocks, coarsest first"
    )
    output_stride: int = Field(
        2, description="input voxels a side for each voxel of the score map: 1, 2 or 4"
    )

    @model_validator(mode="after")
    def _decoder_fits(self) -> "NetworkSettings":
        if self.output_stride not in (1, 2, 4):
            raise ValueError(f"output_stride is {self.output_stride}; it can be 1, 2 or 4")
        blocks = self.depth - (self.output_stride.bit_length() - 1)
        if blocks < 1 or len(self.decoder_channels) != blocks:
            raise ValueError(
                f"depth {self.depth} with output_stride {self.output_stride} needs {blocks} "
                f"decoder_channels, got {len(self.decoder_channels)}"
            )
        return self

    @property
    def side_multiple(self) -> int:
        """Window sides have to be multiples of this number of voxels."""
        return int(2**self.depth)


class TargetSettings(StrictModel):
    """What the network learns to answer around a pick."""

    sigma_fraction: float = Field(
        0.25, gt=0, le=1, description="sigma of the target Gaussian, fraction of the radius"
    )
    positive_weight: float = Field(
        32.0, ge=0, description="extra weight of a target's centre against a voxel outside"
    )
    unlabelled_border_angstrom: float = Field(
        0.0,
        ge=0,
        description="width of a band along the xy border where the loss does not count, Å; in the "
        "CZII labels most particles within 100 Å of the border have no pick",
    )


# What is learnt after that gains little (docs/results.md#a-pretrained-start).
EPOCHS_FROM_NOTHING, EPOCHS_FROM_WEIGHTS = 22.0, 11.0
# Of a training run or two of a small field, 11 epochs are too few
# (docs/results.md#from-few-labelled-runs).
STEPS_FROM_NOTHING, STEPS_FROM_WEIGHTS = 1000, 500


class TrainingSettings(StrictModel):
    """How the network is trained."""

    epochs: float | None = Field(
        None,
        gt=0,
        description="length of the training: voxels of all crops, as a multiple of the voxels of "
        "the training runs; null: 22 from nothing, but at least 1,000 steps; 11 from weights, but "
        "at least 500 steps",
    )
    max_steps: int = Field(
        4000, gt=0, description="most optimiser steps, however large the training runs are"
    )
    batch_size: int = Field(
        2,
        gt=0,
        description="crops a step; one alone is slower on a CPU in float32 (docs/performance.md)",
    )
    crop_zyx: Sides = Field((32, 64, 64), description="sides of a training crop, voxels")
    picks_fraction: float = Field(
        0.7, ge=0, le=1, description="share of the crops that are centred near a pick"
    )
    learning_rate: float = Field(5e-3, gt=0, description="highest learning rate of AdamW")
    weight_decay: float = Field(0.01, ge=0, description="AdamW's weight decay")
    warmup_fraction: float = Field(
        0.1, ge=0, lt=1, description="share of the steps in which the learning rate rises"
    )
    ema_decay: float = Field(
        0.995, ge=0, lt=1, description="decay a step of the averaged weights that predict"
    )
    turns_about_z: bool = Field(
        True,
        description="turn crops by multiples of 90° about z if they are as wide as high, and the "
        "passes of a prediction (flips are always on); without this and rotation_fraction the "
        "missing wedge stays where it is",
    )
    rotation_fraction: float = Field(
        0.5, ge=0, le=1, description="share of the crops that are turned by any angle about z"
    )
    intensity_jitter: float = Field(
        0.1,
        ge=0,
        le=0.2,
        description="spread of the random gain and offset of a crop, in its own sigmas; more than "
        "0.2 would turn some crops dark for bright",
    )
    cpu_threads: int = Field(
        1,
        gt=0,
        description="threads of a training without a GPU; a part of the result, as sums in another "
        "order differ in their last digits. Members side by side are faster than one on all cores",
    )
    processes: int = Field(
        1,
        gt=0,
        description="processes of a training, each with its share of the batch and a GPU of its "
        "own if there are any; a part of the result",
    )
    checkpoint_every: int = Field(250, gt=0, description="steps between two checkpoints")

    def epochs_from(self, is_from_nothing: bool) -> float:
        """Length of a training that starts from nothing, or from weights."""
        if self.epochs is not None:
            return self.epochs
        return EPOCHS_FROM_NOTHING if is_from_nothing else EPOCHS_FROM_WEIGHTS

    @property
    def voxels_per_step(self) -> int:
        """Voxels of a step's crops."""
        return self.batch_size * math.prod(self.crop_zyx)

    def steps_on(self, voxels: float, is_from_nothing: bool) -> int:
        """Optimiser steps of a training on runs of so many voxels in all."""
        steps = math.ceil(self.epochs_from(is_from_nothing) * voxels / self.voxels_per_step)
        if self.epochs is None:
            steps = max(steps, STEPS_FROM_NOTHING if is_from_nothing else STEPS_FROM_WEIGHTS)
        return min(self.max_steps, steps)

    @property
    def quarter_turns(self) -> bool:
        """Whether crops are turned by 90°: one that is not square would get other sides."""
        return self.turns_about_z and self.crop_zyx[1] == self.crop_zyx[2]


class PredictionSettings(StrictModel):
    """How a tomogram's score maps are computed."""

    window_zyx: Sides = Field(
        (192, 256, 256), description="largest sides of the sliding window, voxels"
    )
    overlap: float = Field(
        0.125,
        ge=0,
        lt=1,
        description="overlap of neighbouring windows, share of their sides; more changes nothing "
        "with windows of 144 voxels or more (docs/performance.md)",
    )
    passes: int = Field(
        4,
        gt=0,
        le=16,
        description="passes over a tomogram, each by one member with another flip or rotation; the "
        "same number for out-of-fold and for test runs, so that both are averaged alike (more only "
        "where there are more members than passes)",
    )
    adapted_statistics: float = Field(
        0.75,
        ge=0,
        le=1,
        description="how far the statistics of the networks' normalisation layers move from those "
        "of the training (0) to those of the tomogram that is picked (1)",
    )
    runs_per_job: int = Field(
        4,
        gt=0,
        description="runs that one job predicts, one after the other; it reads the next tomogram "
        "and writes the last candidates meanwhile. 1 spreads best over a cluster and loses least "
        "when a job is interrupted, as that begins again",
    )

    def passes_with(self, all_members: int) -> int:
        """Count the passes over every tomogram, the same for training runs and test runs.

        Parameters
        ----------
        all_members : int
            Members of all folds together: a test run is seen by each of them at least once, so
            that a training run, which few members may see, gets as many passes as well.
        """
        return max(self.passes, all_members)


class PeakSettings(StrictModel):
    """How candidates are read off the score maps."""

    candidates_per_pick: float = Field(
        18.0,
        ge=1,
        description="candidates of a run, all types together, for each pick that a training run of "
        "its volume holds: the recall-first net. Half as many lose hardly a particle "
        "(docs/experiments.md)",
    )
    least_candidates: int = Field(
        100, gt=0, description="candidates of a run, however few picks the training runs hold"
    )
    even_share: float = Field(
        0.3,
        ge=0,
        le=1,
        description="share of the candidates that all types get alike; the rest goes to the "
        "highest scores of whatever type, mostly to the types that are hard to tell",
    )
    suppression_fraction: float = Field(
        0.5,
        gt=0,
        description="least distance of two candidates of a type, as a fraction of the radius; the "
        "final picks have a least distance of their own",
    )
    smoothing_fraction: float = Field(
        0.15, ge=0, description="sigma of the Gaussian over the score map, fraction of the radius"
    )

    def even_part(self, budget: int, types: int) -> int:
        """Count the candidates that each of several types may keep before scores are compared."""
        return int(budget * self.even_share / max(types, 1))


class Stage1Settings(StrictModel):
    """Stage 1, which proposes candidates: networks, their training, peaks."""

    precision: PrecisionName | Literal["auto"] = Field(
        "auto",
        description="what all networks of a result compute in. auto: before the first training, "
        "the fastest in a second's timing on that machine, kept for good. float32: exact, and the "
        "fastest on most processors. bfloat16: for processors with AMX, some with AVX-512-bf16, "
        "and graphics cards since Ampere. float16: for older cards. A change trains again",
    )
    start: Start = Field(
        PRETRAINED,
        description="what a training starts from. pretrained: the weights that come with the "
        "package, for members with their encoder and network; others start from nothing. nothing: "
        "chance. Or a weights.safetensors of an earlier result or pretraining",
    )
    ensemble: EnsembleSettings = EnsembleSettings()
    network: NetworkSettings = NetworkSettings()
    targets: TargetSettings = TargetSettings()
    training: TrainingSettings = TrainingSettings()
    prediction: PredictionSettings = PredictionSettings()
    peaks: PeakSettings = PeakSettings()

    @model_validator(mode="after")
    def _sides_fit(self) -> "Stage1Settings":
        multiple = self.network.side_multiple
        for key, sides in (
            ("training.crop_zyx", self.training.crop_zyx),
            ("prediction.window_zyx", self.prediction.window_zyx),
        ):
            if any(side % multiple for side in sides):
                fitting = tuple(-(-side // multiple) * multiple for side in sides)
                raise ValueError(
                    f"{key} is {sides}; a network of depth {self.network.depth} needs multiples "
                    f"of {multiple}, for instance {fitting}"
                )
        training = self.training
        if training.batch_size % training.processes:
            raise ValueError(
                f"training.batch_size is {training.batch_size}, which {training.processes} "
                "training.processes cannot share evenly"
            )
        coarsest = math.prod(side // multiple for side in training.crop_zyx)
        if coarsest * training.batch_size == training.processes:
            raise ValueError(
                f"training.crop_zyx is {training.crop_zyx}; at depth {self.network.depth} a "
                "single voxel is left of it, which cannot be normalised: give larger crops, or a "
                "larger training.batch_size"
            )
        return self
