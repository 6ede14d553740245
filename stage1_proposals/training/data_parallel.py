"""Several processes that train one network together, each on its share of every batch."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from stage1_proposals.network.encoders import TIMM_PREFIX
from stage1_proposals.network.unet import ProposalNetwork

# What torchrun tells each of the processes that it starts.
RANK, WORLD_SIZE = "RANK", "WORLD_SIZE"


@dataclass(frozen=True)
class TrainingProcesses:
    """A process's place among those that train together.

    Parameters
    ----------
    rank : int
        Number of this process, from 0.
    number : int
        How many there are; with one nothing is exchanged.
    """

    rank: int = 0
    number: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes what all of them have learnt."""
        return self.rank == 0

    def joined(self, network: nn.Module) -> nn.Module:
        """Network whose gradients are the mean over the processes; itself, if there is one.

        Each process normalises its share of a batch by that share's own statistics. The running
        statistics that prediction takes are those of the first process.
        """
        if self.number == 1:
            return network
        return DistributedDataParallel(
            network,
            # timm's encoders run stages that nothing is read from; looking for them takes time.
            find_unused_parameters=isinstance(network, ProposalNetwork)
            and network.encoder_name.startswith(TIMM_PREFIX),
        )

    def mean(self, value: Tensor) -> float:
        """Mean of a number over the processes."""
        total = value.detach().clone()
        if self.number > 1:
            distributed.all_reduce(total)
        return float(total) / self.number


ALONE = TrainingProcesses()


@contextmanager
def joined_processes() -> Iterator[TrainingProcesses]:
    """Join the processes that torchrun has started; alone, if it has not."""
    number = int(os.environ.get(WORLD_SIZE, "1"))
    if number == 1:
        yield ALONE
        return
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield TrainingProcesses(int(os.environ[RANK]), number)
    finally:
        distributed.destroy_process_group()
