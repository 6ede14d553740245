"""Choose the precision of a result's networks: by the configuration, or by timing them here.

Half precision is faster where the device has units for it, which a processor's flags do not tell:
with avx512_bf16 alone a convolution in bfloat16 takes from half to three times the time that it
takes in float32. So a training step of the network itself is timed before anything is trained,
which takes about a second.
"""

import platform
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

import torch
from torch.nn import functional

from picking.command_line import command_parser, run_command
from picking.config import PipelineConfig, Stage1Settings, load_config
from picking.config.stage1_proposals import PrecisionName
from picking.data_in.inventory import resolve
from picking.errors import InputError
from picking.files.precision import Precision, PrecisionTiming
from stage1_proposals.device.compute_device import HALF_DTYPES, ComputeDevice, find_device
from stage1_proposals.network.unet import ProposalNetwork
from stage1_proposals.training.loss import weighted_cross_entropy

# Simplest first: one that rounds more, or that needs its loss scaled, has to be clearly faster.
CANDIDATES: tuple[PrecisionName, ...] = get_args(PrecisionName)
LEAST_GAIN = 1.15
# Where a precision is emulated a training step takes minutes. One convolution of a few million
# products shows that; it may take this many times as long as in float32 before the rest is skipped.
MOST_OF_ONE_CONVOLUTION = 3.0
CONVOLUTION_CHANNELS = 16
CONVOLUTION_SIDE = 16
# Crops of the timed step: as small as its layers still take as long a voxel as in training.
LARGEST_SIDE = {"cpu": 32, "cuda": 128}
LEAST_BATCH = 2
REPEATS = 3


def choose_precision(
    settings: Stage1Settings,
    encoder: str,
    number_of_types: int,
    device: ComputeDevice,
    trained_in: PrecisionName | None = None,
) -> PrecisionTiming:
    """Take the configured precision, or time all that the device has units for.

    Parameters
    ----------
    settings : Stage1Settings
        Section ``stage1_proposals``.
    encoder : str
        Encoder of the network that is timed.
    number_of_types : int
        Particle types.
    device : ComputeDevice
        Where the networks are going to run, as a training uses it.
    trained_in : str or None
        What networks that are trained already compute in: this is kept wherever the device has
        units for it. None: they are yet to be trained.

    Returns
    -------
    PrecisionTiming

    Raises
    ------
    InputError
        If the device has too little memory for a step in any precision.
    """
    seconds: dict[PrecisionName, float] = {}
    chosen: PrecisionName
    if settings.precision == "auto" and trained_in is not None:
        chosen = _nearest(trained_in, device)
    elif settings.precision == "auto":
        for name in CANDIDATES:
            way = _way(name, device)
            if not has_units(way):
                continue
            try:
                seconds[name] = step_seconds(settings, encoder, number_of_types, way)
            except torch.OutOfMemoryError:
                torch.cuda.empty_cache()
                print(f"precision: {name} takes more memory than {way.name} has", file=sys.stderr)
        if not seconds:
            raise InputError(
                "stage1_proposals.training",
                f"a step takes more memory than {device.name} has",
                "give a smaller batch_size or crop_zyx",
            )
        chosen = fastest(seconds)
    else:
        chosen = settings.precision
    on_cpu = device.device.type == "cpu"
    return PrecisionTiming(
        precision=chosen,
        asked_for=settings.precision,
        device=_processor() if on_cpu else device.name,
        instruction_set=torch.backends.cpu.get_cpu_capability() if on_cpu else None,
        threads=torch.get_num_threads() if on_cpu else None,
        step_seconds=dict(seconds),
    )


def _way(name: PrecisionName, device: ComputeDevice) -> ComputeDevice:
    return ComputeDevice(device.device, HALF_DTYPES[name], device.memory_format)


def _nearest(trained_in: PrecisionName, device: ComputeDevice) -> PrecisionName:
    """Name the trained precision, or where the device has no units for it one that is as fast."""
    names: list[PrecisionName] = [trained_in]
    if trained_in == "bfloat16":
        names.append("float16")
    return next((name for name in names if has_units(_way(name, device))), CANDIDATES[0])


def fastest(seconds: dict[PrecisionName, float]) -> PrecisionName:
    """Name the fastest, where a less exact one counts only if it is clearly faster.

    Parameters
    ----------
    seconds : dict of str to float
        Time of a step by precision.
    """
    best, *others = (name for name in CANDIDATES if name in seconds)
    for name in others:
        if seconds[name] * LEAST_GAIN <= seconds[best]:
            best = name
    return best


def step_seconds(
    settings: Stage1Settings, encoder: str, number_of_types: int, device: ComputeDevice
) -> float:
    """Time a small training step: the shortest of a few, seconds."""
    training = settings.training
    sides = [min(side, LARGEST_SIDE[device.device.type]) for side in training.crop_zyx]
    batch = max(LEAST_BATCH, training.batch_size // training.processes)
    network = ProposalNetwork(encoder, settings.network, number_of_types)
    return _shortest(empty_step(network, (batch, 1, *sides), device), device)


def empty_step(
    network: ProposalNetwork, shape: Sequence[int], device: ComputeDevice
) -> Callable[[], None]:
    """Make a training step, forwards and backwards, of empty crops (N, 1, Z, Y, X)."""
    ready = network.to(device.device).to(memory_format=device.memory_format).train()
    volumes = torch.zeros(tuple(shape), device=device.device)
    volumes = volumes.contiguous(memory_format=device.memory_format)

    def step() -> None:
        with device.autocast():
            logits = ready(volumes).logits
        zeros = torch.zeros_like(logits)
        weighted_cross_entropy(logits, zeros, zeros[:, :1] + 1, 1.0).backward()

    return step


def has_units(device: ComputeDevice) -> bool:
    """Whether a device computes in its precision by itself, not by way of another."""
    dtype = device.half_dtype
    if dtype is None:
        return True
    if device.device.type == "cuda":
        return dtype is torch.float16 or torch.cuda.is_bf16_supported(including_emulation=False)
    if not torch.backends.mkldnn.is_available():
        return False
    supported = (
        torch.ops.mkldnn._is_mkldnn_bf16_supported
        if dtype is torch.bfloat16
        else torch.ops.mkldnn._is_mkldnn_fp16_supported
    )
    if not supported():
        return False
    # An instruction set that is capped (ONEDNN_MAX_CPU_ISA) shows in the time alone.
    exact, half = (_convolution_seconds(way, device) for way in (torch.float32, dtype))
    return half <= MOST_OF_ONE_CONVOLUTION * exact


def _convolution_seconds(dtype: torch.dtype | None, device: ComputeDevice) -> float:
    sides = (CONVOLUTION_SIDE,) * 3
    volumes = torch.zeros((LEAST_BATCH, CONVOLUTION_CHANNELS, *sides), dtype=dtype)
    weight = torch.zeros((CONVOLUTION_CHANNELS, CONVOLUTION_CHANNELS, 3, 3, 3), dtype=dtype)
    volumes, weight = (
        tensor.contiguous(memory_format=device.memory_format) for tensor in (volumes, weight)
    )
    with torch.inference_mode():
        return _shortest(lambda: functional.conv3d(volumes, weight, padding=1), device)


def _processor() -> str:
    """Name of the processor, as far as torch or the system know it."""
    known: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return str(known.get("cpu_name") or platform.processor() or platform.machine())


def _shortest(call: Callable[[], object], device: ComputeDevice) -> float:
    times = []
    for _ in range(1 + REPEATS):
        start = time.perf_counter()
        call()
        if device.device.type == "cuda":
            torch.cuda.synchronize(device.device)
        times.append(time.perf_counter() - start)
    return min(times[1:])  # the first one makes oneDNN's or cuDNN's plans


def warn_if_emulated(device: ComputeDevice) -> None:
    """Say that a result's precision is one that this device has no units for."""
    if not has_units(device):
        print(
            f"warning: {device.name} has no units for {device.precision}, which this result's "
            "networks compute in (stage1_proposals.precision); it takes many times as long here",
            file=sys.stderr,
        )


def write_precision(
    config: PipelineConfig,
    encoder: str,
    precision: Path,
    timing: Path,
    trained_in: PrecisionName | None = None,
) -> None:
    """Choose, and write what was chosen and how.

    Parameters
    ----------
    config : PipelineConfig
        Resolved configuration.
    encoder : str
        Encoder of the network that is timed.
    precision : Path
        What was chosen (:class:`picking.files.precision.Precision`): the networks depend on it.
    timing : Path
        How (:class:`picking.files.precision.PrecisionTiming`): for the report.
    trained_in : str or None
        See :func:`choose_precision`.
    """
    device = find_device(config.stage1_proposals.training.cpu_threads)
    types = len(config.known_particles)
    chosen = choose_precision(config.stage1_proposals, encoder, types, device, trained_in)
    chosen.write(timing)
    Precision(precision=chosen.precision).write(precision)
    times = ", ".join(f"{name} {1e3 * took:.0f} ms" for name, took in chosen.step_seconds.items())
    print(f"precision: {chosen.precision} ({times or 'not timed'})", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the command line and choose."""
    parser = command_parser(__doc__)
    parser.add_argument("--encoder", required=True, help="encoder of the network that is timed")
    parser.add_argument("--precision", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--timing", type=Path, required=True, help="JSON file to write, how")
    parser.add_argument(
        "--trained-in", choices=CANDIDATES, help="precision of networks that are trained already"
    )
    arguments = parser.parse_args(argv)
    write_precision(
        resolve(load_config(arguments.config)),
        arguments.encoder,
        arguments.precision,
        arguments.timing,
        arguments.trained_in,
    )


if __name__ == "__main__":
    run_command(main)
