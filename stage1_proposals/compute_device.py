"""Where and in which precision the network runs: chosen by itself, never part of a result's key."""

import os
from dataclasses import dataclass

import torch

# The larger of the two workspaces with which cuBLAS is deterministic (NVIDIA, cuBLAS manual).
CUBLAS_DETERMINISTIC_WORKSPACE = ":4096:8"


@dataclass(frozen=True)
class ComputeDevice:
    """A device and the dtype of its mixed precision.

    Parameters
    ----------
    device : torch.device
        Where tensors live.
    half_dtype : torch.dtype or None
        bfloat16 or float16 where the device has fast units for it, else None: float32.
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


def find_device(threads: int | None = None) -> ComputeDevice:
    """Choose the best device at hand and make it deterministic.

    Parameters
    ----------
    threads : int or None
        Threads for work on the CPU; None leaves torch's own choice.

    Returns
    -------
    ComputeDevice
        CUDA where there is one (bfloat16 if native, else float16), otherwise the CPU (bfloat16
        if it has AMX or AVX-512-bf16 units).
    """
    if threads is not None:
        torch.set_num_threads(threads)
    # warn_only: CUDA has no deterministic backward of 3D pooling and upsampling, so that two
    # trainings on a GPU differ in their last digits.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", CUBLAS_DETERMINISTIC_WORKSPACE)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # No operation here reads memory that it has not written; filling it costs a quarter of a step.
    torch.utils.deterministic.fill_uninitialized_memory = False
    if torch.cuda.is_available():
        torch.backends.cudnn.benchmark = False
        native_bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        # Of several GPUs the one that this process was given (see stage1_proposals.process_group).
        gpu = torch.device("cuda", torch.cuda.current_device())
        return ComputeDevice(gpu, torch.bfloat16 if native_bf16 else torch.float16)
    return ComputeDevice(torch.device("cpu"), torch.bfloat16 if _cpu_has_bf16_units() else None)


def _cpu_has_bf16_units() -> bool:
    """Whether oneDNN has bfloat16 kernels that are faster than float32 here."""
    capabilities = getattr(torch.cpu, "get_capabilities", None)
    if capabilities is not None:
        found = capabilities()
        return bool(found.get("avx512_bf16") or found.get("amx_bf16"))
    amx = getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    avx512 = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return bool(amx() or avx512())
