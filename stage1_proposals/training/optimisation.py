"""The training loop: steps of AdamW, an average of the weights, checkpoints."""

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar, cast

import torch
from torch import Tensor, nn
from tqdm import tqdm

from picking.config import TrainingSettings
from picking.errors import InputError
from stage1_proposals.device.compute_device import ComputeDevice
from stage1_proposals.training.checkpoint import (
    TrainingState,
    load_state,
    new_average,
    save_state,
)
from stage1_proposals.training.data_parallel import ALONE, TrainingProcesses
from stage1_proposals.training.learning_rate import learning_rate_at

# Long gradients come from the first batches with a rare type; clipping keeps AdamW's state sane.
LARGEST_GRADIENT_NORM = 5.0
# The progress bar is drawn at most this often, seconds: logs stay short.
PROGRESS_SECONDS = 5.0

BatchType = TypeVar("BatchType")
NetworkType = TypeVar("NetworkType", bound=nn.Module)
# Step, loss, learning rate.
Curve = list[tuple[int, float, float]]


@dataclass(frozen=True)
class Task(Generic[BatchType]):
    """What a network is trained for.

    Parameters
    ----------
    name : str
        Shown beside the progress.
    section : str
        Section of the configuration that holds its learning rate.
    steps : int
        Optimiser steps.
    draw : callable
        Batch of a step, from random numbers of its own.
    loss : callable
        Loss, (), of a network on a batch.
    seed_layers : callable
        Seeds what layers draw at random in a step, so that a resumed training draws the same.
    """

    name: str
    section: str
    steps: int
    draw: Callable[[int], BatchType]
    loss: Callable[[nn.Module, BatchType], Tensor]
    seed_layers: Callable[[int], None]


@dataclass(frozen=True)
class Checkpoints:
    """Where the state of an unfinished training is kept; only one of the same key is resumed."""

    path: Path
    key: str


def optimise(
    network: NetworkType,
    task: Task[BatchType],
    training: TrainingSettings,
    device: ComputeDevice,
    checkpoints: Checkpoints,
    group: TrainingProcesses = ALONE,
) -> tuple[NetworkType, Curve]:
    """Train a network in place, and return the average of its weights with the training curve.

    Parameters
    ----------
    network : nn.Module
        With its first weights.
    task : Task
        What it is trained for.
    training : TrainingSettings
        Learning rate, averaging, and how often a checkpoint is written.
    device : ComputeDevice
        Where to compute.
    checkpoints : Checkpoints
        Resumed from if there is one.
    group : TrainingProcesses
        The processes that train it together; all of them get the same weights, and the first one's
        statistics of the batches.

    Raises
    ------
    InputError
        If the loss is not finite any more.
    """
    network.to(device.device).to(memory_format=device.memory_format)
    averaged = new_average(network, training.ema_decay)
    optimiser = torch.optim.AdamW(
        network.parameters(),
        lr=training.learning_rate,
        weight_decay=training.weight_decay,
        fused=True,
    )
    scaler = torch.amp.GradScaler(device.device.type, enabled=device.needs_loss_scaling)
    curve: Curve = []
    first_step = 0
    state = load_state(checkpoints.path, checkpoints.key)
    if state is not None:
        network.load_state_dict(state.network)
        averaged.load_state_dict(state.averaged)
        optimiser.load_state_dict(state.optimiser)
        scaler.load_state_dict(state.scaler)
        curve, first_step = list(state.curve), state.step

    network.train()
    joined = group.joined(network)  # the same weights; its gradients are everyone's
    steps = tqdm(
        range(first_step, task.steps),
        initial=first_step,
        total=task.steps,
        desc=task.name,
        unit="step",
        mininterval=PROGRESS_SECONDS,
        file=sys.stderr,
        disable=not group.is_first,
    )
    batch = task.draw(first_step)
    for step in steps:
        # Some encoders drop connections at random; a resumed training has to drop the same ones.
        task.seed_layers(step)
        learning_rate = learning_rate_at(step, task.steps, training)
        for parameters in optimiser.param_groups:
            parameters["lr"] = learning_rate
        loss = task.loss(joined, batch)
        optimiser.zero_grad()
        scaler.scale(loss).backward()
        scaler.unscale_(optimiser)
        torch.nn.utils.clip_grad_norm_(network.parameters(), LARGEST_GRADIENT_NORM)
        scaler.step(optimiser)
        scaler.update()
        averaged.update_parameters(network)
        if step + 1 < task.steps:
            batch = task.draw(step + 1)  # before the loss is asked for: a GPU is still at work
        mean_loss = group.mean(loss)
        if not math.isfinite(mean_loss):
            raise InputError(
                task.section,
                f"the loss is not finite at step {step + 1}",
                "lower learning_rate",
            )
        curve.append((step + 1, mean_loss, learning_rate))
        steps.set_postfix(loss=f"{curve[-1][1]:.4f}", refresh=False)
        due = (step + 1) % training.checkpoint_every == 0 and step + 1 < task.steps
        if due and group.is_first:
            save_state(
                checkpoints.path,
                checkpoints.key,
                TrainingState(
                    step + 1,
                    network.state_dict(),
                    averaged.state_dict(),
                    optimiser.state_dict(),
                    scaler.state_dict(),
                    curve,
                ),
            )
    return cast(NetworkType, averaged.module), curve
