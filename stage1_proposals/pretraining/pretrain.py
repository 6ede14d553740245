"""Pretrain the network that trainings start from, on specimens of many kinds.

Interrupted, it goes on from its last checkpoint when started again with the same settings.
"""

import hashlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from picking.command_line import command_parser, run_command
from picking.config import PretrainingSettings, Stage1Settings, load_config
from picking.config.pretraining import OF_STAGE1_TRAINING
from picking.config.stage1_proposals import NOTHING, PrecisionName
from picking.files.precision import Precision
from picking.files.training_record import TrainingRecord
from picking.files.whole_files import remove_unfinished
from picking.synthetic.molecules import labelled_molecules
from picking.synthetic.pretraining.make_specimen import SHAPE_ZYX
from picking.synthetic.pretraining.procedural_molecules import NUMBER_OF_MOLECULES
from picking.synthetic.pretraining.specimen_file import PretrainingSpecimen
from stage1_proposals.device.compute_device import find_device
from stage1_proposals.network.start import ANY_PARTICLE
from stage1_proposals.network.weights_file import save_weights
from stage1_proposals.pretraining.crops import (
    PretrainingBatch,
    draw_pretraining_batch,
    prepare_specimen,
)
from stage1_proposals.pretraining.pretraining_network import PretrainingNetwork
from stage1_proposals.training.optimisation import Checkpoints, Task, optimise
from stage1_proposals.training.training_files import (
    CHECKPOINT_NAME,
    CURVE_NAME,
    RECORD_NAME,
    write_curve,
)

INITIAL_WEIGHTS, CROPS, RANDOM_LAYERS = range(3)


def training_settings(stage1: Stage1Settings, settings: PretrainingSettings) -> Stage1Settings:
    """Stage 1's settings with the pretraining's own length, batch and learning rate.

    Crops are not turned by any angle: specimens are as many as crops need, and the centres of
    particles stay on the voxels. They are no larger than a specimen.
    """
    multiple = stage1.network.side_multiple
    crop_zyx = tuple(
        min(side, specimen // multiple * multiple)
        for side, specimen in zip(stage1.training.crop_zyx, SHAPE_ZYX, strict=True)
    )
    training = stage1.training.model_copy(
        update={
            "crop_zyx": crop_zyx,
            "batch_size": settings.batch_size,
            "learning_rate": settings.learning_rate,
            "ema_decay": settings.ema_decay,
            "rotation_fraction": 0.0,
        }
    )
    return stage1.model_copy(update={"training": training})


def pretrain(
    specimens: Sequence[Path],
    encoder: str,
    stage1: Stage1Settings,
    settings: PretrainingSettings,
    precision: PrecisionName,
    output: Path,
) -> None:
    """Pretrain on specimens; write the weights, the curve and a record.

    Parameters
    ----------
    specimens : sequence of Path
        Files of :class:`picking.synthetic.pretraining.specimen_file.PretrainingSpecimen`.
    encoder : str
        See :func:`stage1_proposals.network.encoders.build_encoder`.
    stage1 : Stage1Settings
        The network, its targets and crops.
    settings : PretrainingSettings
        Length and learning rate.
    precision : str
        What the network computes in.
    output : Path
        Folder for ``weights.safetensors``, ``training_curve.csv`` and ``training.json``.
    """
    stage1 = training_settings(stage1, settings)
    species = list(labelled_molecules())
    device = find_device(stage1.training.cpu_threads, precision)
    started = time.monotonic()
    with tqdm(specimens, desc="reading specimens", unit="specimen", file=sys.stderr) as progress:
        volumes = [
            prepare_specimen(PretrainingSpecimen.read(path), len(species), stage1)
            for path in progress
        ]

    def generator(purpose: int, step: int = 0) -> np.random.Generator:
        return np.random.default_rng([settings.seed, purpose, step])

    def seed_torch(purpose: int, step: int = 0) -> None:
        torch.manual_seed(int(generator(purpose, step).integers(2**31)))

    def loss(network: nn.Module, batch: PretrainingBatch) -> torch.Tensor:
        crops = batch.volumes.to(device.device, memory_format=device.memory_format)
        with device.autocast():
            answer = network(crops)
        return pretraining.loss(
            answer, batch, stage1.targets.positive_weight, settings.molecule_weight
        )

    seed_torch(INITIAL_WEIGHTS)
    pretraining = PretrainingNetwork(
        encoder, stage1.network, len(species), len(species) + NUMBER_OF_MOLECULES
    )
    task = Task(
        f"pretraining, {encoder}",
        "pretraining",
        settings.steps,
        lambda step: draw_pretraining_batch(
            volumes, stage1, settings.near_particles, generator(CROPS, step)
        ),
        loss,
        lambda step: seed_torch(RANDOM_LAYERS, step),
    )
    key = "\n".join(
        [
            settings.model_dump_json(),
            encoder,
            stage1.network.model_dump_json(),
            stage1.targets.model_dump_json(),
            stage1.training.model_dump_json(include=OF_STAGE1_TRAINING),
            *(hashlib.sha256(path.read_bytes()).hexdigest() for path in specimens),
            device.precision,
        ]
    )
    remove_unfinished(output)
    checkpoint = output / CHECKPOINT_NAME
    trained, curve = optimise(
        pretraining, task, stage1.training, device, Checkpoints(checkpoint, key)
    )
    save_weights(output / "weights.safetensors", trained.proposals, [*species, ANY_PARTICLE])
    write_curve(output / CURVE_NAME, curve)
    record = TrainingRecord(
        encoder=encoder,
        fold=0,
        seed=settings.seed,
        start=NOTHING,
        steps=len(curve),
        runs=len(specimens),
        device=device.name,
        precision=device.precision,
        seconds=round(time.monotonic() - started, 1),
    )
    record.write(output / RECORD_NAME)
    checkpoint.unlink(missing_ok=True)


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the command line and pretrain."""
    parser = command_parser(__doc__)
    parser.add_argument("--specimens", type=Path, required=True, help="folder of the specimens")
    parser.add_argument("--encoder", required=True, help="encoder of the network")
    parser.add_argument("--precision", type=Path, required=True, help="precision.json")
    parser.add_argument("--output", type=Path, required=True, help="folder of the start")
    arguments = parser.parse_args(argv)
    config = load_config(arguments.config)
    pretrain(
        [arguments.specimens / f"{number}.npz" for number in range(config.pretraining.specimens)],
        arguments.encoder,
        config.stage1_proposals,
        config.pretraining,
        Precision.read(arguments.precision).precision,
        arguments.output,
    )


if __name__ == "__main__":
    run_command(main)
