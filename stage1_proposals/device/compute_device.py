"""Where the network runs, and in which precision; the device is not part of a result's key."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from picking.config.stage1_proposals import PrecisionName
from picking.errors import MachineError, in_one_line
from stage1_proposals.device.gpu_cards import take_card

# The larger of the two workspaces with which cuBLAS is deterministic (NVIDIA, cuBLAS manual).
CUBLAS_DETERMINISTIC_WORKSPACE = ":4096:8"
HALF_DTYPES: dict[PrecisionName, torch.dtype | None] = {
    "float32": None,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}

# What torch's errors of a graphics card say, whatever their class is.
ACCELERATOR_ERROR = re.compile(r"CUDA|cuDNN|cuBLAS", re.IGNORECASE)


@dataclass(frozen=True)
class ComputeDevice:
    """A device and the dtype of its mixed precision.

    Parameters
    ----------
    device : torch.device
        Where tensors live.
    half_dtype : torch.dtype or None
        Mixed precision in bfloat16 or float16; None: float32 alone.
    memory_format : torch.memory_format
        Order of 5D tensors in memory; convolutions are faster with the channels last.
    """

    device: torch.device
    half_dtype: torch.dtype | None
    memory_format: torch.memory_format = torch.channels_last_3d

    def autocast(self) -> torch.autocast:
        """Context in which convolutions run in the device's mixed precision."""
        return torch.autocast(
            self.device.type,
            dtype=self.half_dtype or torch.bfloat16,
            enabled=self.half_dtype is not None,
        )

    @property
    def needs_loss_scaling(self) -> bool:
        """Whether gradients would underflow without scaling (float16 alone)."""
        return self.half_dtype is torch.float16

    @property
    def precision(self) -> PrecisionName:
        """Name of the precision."""
        return next(name for name, dtype in HALF_DTYPES.items() if dtype is self.half_dtype)

    @property
    def name(self) -> str:
        """Type of the device, and the name of a graphics card."""
        if self.device.type != "cuda":
            return self.device.type
        return f"cuda, {torch.cuda.get_device_name(self.device)}"


def find_device(
    threads: int | None = None, precision: PrecisionName = "float32", *, wait: bool = True
) -> ComputeDevice:
    """Take the best device at hand and make it deterministic.

    Parameters
    ----------
    threads : int or None
        Threads for work on the CPU; None leaves torch's own choice.
    precision : str
        See :mod:`stage1_proposals.choose_precision`.
    wait : bool
        Whether to wait for a graphics card where other jobs hold them all.

    Returns
    -------
    ComputeDevice
        A graphics card that no other job of ours holds, where there are any; else the CPU.

    Raises
    ------
    InputError
        If all cards are held and ``wait`` is false.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    # warn_only: CUDA has no deterministic backward of 3D pooling and upsampling, so that two
    # trainings on a GPU differ in their last digits.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", CUBLAS_DETERMINISTIC_WORKSPACE)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # No operation here reads memory that it has not written; filling it costs a quarter of a step.
    # (torch makes the attribute at run time, where mypy does not see it.)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    device = torch.device("cpu")
    if torch.cuda.is_available():
        torch.backends.cudnn.benchmark = False
        device = torch.device("cuda", take_card(_card_identifiers(), wait=wait))
        torch.cuda.set_device(device)
    return ComputeDevice(device, HALF_DTYPES[precision])


def _card_identifiers() -> list[str]:
    """Identify the cards that this process may use, whatever number a job knows them by."""
    return [
        str(torch.cuda.get_device_properties(index).uuid)
        for index in range(torch.cuda.device_count())
    ]


@contextmanager
def accelerator_errors(device: ComputeDevice) -> Iterator[None]:
    """Tell faults of a graphics card from those of what is computed on it.

    Raises
    ------
    MachineError
        If it has too little memory, or does not answer any more.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise MachineError(
            device.name,
            "has too little memory",
            "give a smaller stage1_proposals.prediction.window_zyx, or end what else runs there",
        ) from None
    except RuntimeError as error:
        if not ACCELERATOR_ERROR.search(str(error)):
            raise
        raise MachineError(
            device.name, f"failed ({in_one_line(error)})", "start again; what is finished is kept"
        ) from None
