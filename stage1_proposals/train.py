"""Train one member of stage 1's ensemble on all folds but one.

Interrupted, it goes on from its last checkpoint when started again with the same settings. Started
by torchrun, its processes train together, each on its share of every batch.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from picking.command_line import command_parser, run_command
from picking.config import (
    ParticleType,
    PipelineConfig,
    Stage1Settings,
    load_config,
)
from picking.config.stage1_proposals import NOTHING
from picking.data_in.inventory import resolve
from picking.errors import InputError
from picking.files.mask import read_mask
from picking.files.picks_density import PicksDensity
from picking.files.precision import Precision
from picking.files.tables import TRUTH
from picking.files.tomogram import read_tomogram
from picking.files.training_record import TrainingRecord
from picking.files.whole_files import remove_unfinished
from picking.scoring.folds import Folds
from stage1_proposals.choose_precision import warn_if_emulated
from stage1_proposals.device.compute_device import ComputeDevice, find_device
from stage1_proposals.network.start import StartWeights, choose_start
from stage1_proposals.network.unet import ProposalNetwork
from stage1_proposals.network.weights_file import save_weights
from stage1_proposals.prediction.candidate_budget import check_budget
from stage1_proposals.training.checkpoint import training_key
from stage1_proposals.training.crops import (
    Batch,
    TrainingVolume,
    draw_batch,
    near_network,
    number_of_steps,
    prepare_volume,
)
from stage1_proposals.training.data_parallel import ALONE, TrainingProcesses, joined_processes
from stage1_proposals.training.loss import weighted_cross_entropy
from stage1_proposals.training.optimisation import Checkpoints, Curve, Task, optimise
from stage1_proposals.training.prototypes import set_prototypes
from stage1_proposals.training.training_files import (
    CHECKPOINT_NAME,
    CURVE_NAME,
    RECORD_NAME,
    write_curve,
)

# Settings that change nothing that is learnt.
NOT_LEARNT_FROM = {"checkpoint_every"}


@dataclass(frozen=True)
class Member:
    """One member of the ensemble, and what its random numbers derive from."""

    encoder: str
    pipeline_seed: int
    member_seed: int
    fold: int

    def __str__(self) -> str:
        return f"stage 1, {self.encoder}, fold {self.fold}, seed {self.member_seed}"

    def generator(self, purpose: int, step: int = 0) -> np.random.Generator:
        """Random numbers for one purpose and step, the same whatever came before."""
        return np.random.default_rng(
            [self.pipeline_seed, self.member_seed, self.fold, purpose, step]
        )

    def seed_torch(self, purpose: int, step: int = 0) -> None:
        """Have torch draw from a seed of one purpose and step."""
        torch.manual_seed(int(self.generator(purpose, step).integers(2**31)))


INITIAL_WEIGHTS, TRAINING_CROPS, PROTOTYPE_CROPS, RANDOM_LAYERS = range(4)


def train_member(
    volumes: Sequence[TrainingVolume],
    particles: Sequence[ParticleType],
    settings: Stage1Settings,
    member: Member,
    device: ComputeDevice,
    checkpoints: Checkpoints,
    group: TrainingProcesses = ALONE,
    start: StartWeights | None = None,
) -> tuple[ProposalNetwork, Curve]:
    """Train a network and return its averaged weights with the training curve.

    Parameters
    ----------
    volumes : sequence of TrainingVolume
        Training runs.
    particles : sequence of ParticleType
        Types in the order of the network's channels.
    settings : Stage1Settings
        Section ``stage1_proposals``.
    member : Member
        Encoder, and the seeds of weights and crops.
    device : ComputeDevice
        Where to compute.
    checkpoints : Checkpoints
        The unfinished training, resumed from if it depends on the same.
    group : TrainingProcesses
        The processes that train it together; all of them get the same weights, and the first one's
        statistics of the batches.
    start : StartWeights or None
        What it starts from; None: from chance.

    Returns
    -------
    network : ProposalNetwork
        In evaluation mode, with prototypes.
    curve : list of (step, loss, learning rate)
    """
    member.seed_torch(INITIAL_WEIGHTS)
    network = ProposalNetwork(member.encoder, settings.network, len(particles))
    if start is not None:
        start.give_to(network, [particle.name for particle in particles])
    volumes = near_network(volumes, device.device)
    task = Task(
        str(member),
        "stage1_proposals.training",
        number_of_steps(volumes, settings.training, start is None),
        lambda step: draw_batch(volumes, settings, member.generator(TRAINING_CROPS, step), group),
        lambda joined, batch: _loss(joined, batch, settings, device),
        lambda step: member.seed_torch(RANDOM_LAYERS, step),
    )
    trained, curve = optimise(network, task, settings.training, device, checkpoints, group)
    set_prototypes(trained, volumes, settings, device, member.generator(PROTOTYPE_CROPS))
    return trained.eval(), curve


def _loss(
    network: nn.Module, batch: Batch, settings: Stage1Settings, device: ComputeDevice
) -> torch.Tensor:
    volumes = batch.volumes.to(device.device, memory_format=device.memory_format)
    with device.autocast():
        output = network(volumes)
    return weighted_cross_entropy(
        output.logits,
        batch.targets.to(device.device),
        batch.counted.to(device.device),
        settings.targets.positive_weight,
    )


def train_fold(
    config: PipelineConfig,
    folds: Path,
    fold: int,
    encoder: str,
    member_seed: int,
    copick_config: Path,
    truth: Path,
    density: Path,
    precision: Path,
    output: Path,
    group: TrainingProcesses = ALONE,
) -> None:
    """Train on the runs that ``fold`` does not judge; write the weights, the curve and a record.

    Parameters
    ----------
    config : PipelineConfig
        Resolved configuration.
    folds : Path
        ``folds.json``: which run is judged in which fold.
    fold : int
        The fold whose runs are left out.
    encoder : str
        One of ``ensemble.encoders``.
    member_seed : int
        One of ``ensemble.seeds``.
    copick_config : Path
        copick project of the training runs.
    truth : Path
        Picks of all training runs (``picking.files.tables.TRUTH``).
    density : Path
        How many those are (:class:`picking.files.picks_density.PicksDensity`): settings that would
        lose some of them are refused before anything is trained.
    precision : Path
        What all networks compute in (:class:`picking.files.precision.Precision`).
    output : Path
        Folder for ``weights.safetensors``, ``training_curve.csv`` and ``training.json``.
    group : TrainingProcesses
        The processes that train together; the first one writes.

    Raises
    ------
    InputError
        If a table or a tomogram is missing or damaged, a run holds more picks than it
        may get candidates, or the batch cannot be shared evenly.
    """
    batch_size = config.stage1_proposals.training.batch_size
    if batch_size % group.number:
        raise InputError(
            "stage1_proposals.training.batch_size",
            f"is {batch_size}, which {group.number} processes cannot share evenly",
            "give a multiple of training.processes",
        )
    judged_in = Folds.read(folds)
    runs = judged_in.training_runs(fold)
    picks = TRUTH.read(truth)
    particle_types = [particle.name for particle in config.known_particles]
    picks_density = PicksDensity.read(density)
    check_budget(picks_density, judged_in, config.stage1_proposals.peaks, particle_types)
    stage1 = config.stage1_proposals
    start = choose_start(stage1.start, encoder, stage1.network)
    if start is not None:
        start.refuse_if_it_has_seen(judged_in.judged_runs(fold))
    device = find_device(
        config.stage1_proposals.training.cpu_threads,
        Precision.read(precision).precision,
        # Processes that wait for each other's cards would wait for ever.
        wait=group.number == 1,
    )
    warn_if_emulated(device)
    started = time.monotonic()
    # As a context, a progress bar ends its line before an error is printed.
    with tqdm(runs, desc="reading tomograms", unit="run", file=sys.stderr) as progress:
        volumes = [
            prepare_volume(
                read_tomogram(copick_config, run, *config.tomogram_kind),
                picks[picks["run"] == run],
                config.known_particles,
                config.stage1_proposals,
                read_mask(copick_config, run, config.voxel_spacing),
            )
            for run in progress
        ]
    member = Member(encoder, config.seed, member_seed, fold)
    if group.is_first:
        remove_unfinished(output)
    checkpoint = output / CHECKPOINT_NAME
    network, curve = train_member(
        volumes,
        config.known_particles,
        config.stage1_proposals,
        member,
        device,
        Checkpoints(
            checkpoint,
            training_key(
                volumes,
                config.stage1_proposals.network.model_dump_json(),
                config.stage1_proposals.targets.model_dump_json(),
                config.stage1_proposals.training.model_dump_json(exclude=NOT_LEARNT_FROM),
                particle_types,
                repr(member),
                device.precision,
                None if start is None else start.name,
                number_of_steps(volumes, config.stage1_proposals.training, start is None),
            ),
        ),
        group,
        start,
    )
    if not group.is_first:
        return
    # What the start has learnt from is in these weights too, for those who start from them.
    learnt_from = {*runs, *(start.stored.training_runs if start else ())}
    save_weights(output / "weights.safetensors", network, particle_types, sorted(learnt_from))
    write_curve(output / CURVE_NAME, curve)
    record = TrainingRecord(
        encoder=encoder,
        fold=fold,
        seed=member_seed,
        start=NOTHING if start is None else start.name,
        steps=len(curve),
        runs=len(runs),
        device=device.name,
        precision=device.precision,
        seconds=round(time.monotonic() - started, 1),
    )
    record.write(output / RECORD_NAME)
    checkpoint.unlink(missing_ok=True)  # all that it led to is written
    print(
        f"{member}: {record.steps} steps on {record.runs} runs, {record.device}, "
        f"{record.precision}, {record.seconds:.0f} s",
        file=sys.stderr,
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the command line and train."""
    parser = command_parser(__doc__)
    parser.add_argument("--folds", type=Path, required=True, help="folds.json")
    parser.add_argument("--fold", type=int, required=True, help="the fold that is left out")
    parser.add_argument("--encoder", required=True, help="encoder of the ensemble member")
    parser.add_argument("--seed", type=int, required=True, help="seed of the ensemble member")
    parser.add_argument("--copick", type=Path, required=True, help="copick project of the runs")
    parser.add_argument("--truth", type=Path, required=True, help="truth table")
    parser.add_argument("--density", type=Path, required=True, help="picks_density.json")
    parser.add_argument("--precision", type=Path, required=True, help="precision.json")
    parser.add_argument("--output", type=Path, required=True, help="folder of the member")
    arguments: argparse.Namespace = parser.parse_args(argv)
    with joined_processes() as group:
        train_fold(
            resolve(load_config(arguments.config)),
            arguments.folds,
            arguments.fold,
            arguments.encoder,
            arguments.seed,
            arguments.copick,
            arguments.truth,
            arguments.density,
            arguments.precision,
            arguments.output,
            group,
        )


if __name__ == "__main__":
    run_command(main)
