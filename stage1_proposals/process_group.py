"""Several processes that train one network together, each on its share of every batch."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed

from picking.errors import InputError

# What torchrun tells each of the processes that it starts.
RANK, WORLD_SIZE, LOCAL_RANK = "RANK", "WORLD_SIZE", "LOCAL_RANK"


@dataclass(frozen=True)
class ProcessGroup:
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

    def average(self, tensors: Iterable[Tensor]) -> None:
        """Replace floating-point tensors, in place, by their mean over the processes."""
        if self.number == 1:
            return
        some = [tensor for tensor in tensors if tensor.is_floating_point()]
        # One exchange instead of one for every tensor.
        joined = torch.cat([tensor.flatten() for tensor in some])
        distributed.all_reduce(joined)
        joined /= self.number
        for tensor, mean in zip(some, joined.split([t.numel() for t in some]), strict=True):
            tensor.copy_(mean.view_as(tensor))


ALONE = ProcessGroup()


@contextmanager
def joined_group() -> Iterator[ProcessGroup]:
    """Join the processes that torchrun has started; alone, if it has not.

    Raises
    ------
    InputError
        If there are GPUs, but fewer than processes.
    """
    number = int(os.environ.get(WORLD_SIZE, "1"))
    if number == 1:
        yield ProcessGroup()
        return
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        gpu, gpus = int(os.environ[LOCAL_RANK]), torch.cuda.device_count()
        if gpu >= gpus:
            raise InputError(
                "stage1_proposals.training.processes",
                f"is {number}, but there are {gpus} GPUs",
                "give each process a GPU of its own",
            )
        torch.cuda.set_device(gpu)
    distributed.init_process_group("nccl" if on_gpu else "gloo")
    try:
        yield ProcessGroup(int(os.environ[RANK]), number)
    finally:
        distributed.destroy_process_group()
