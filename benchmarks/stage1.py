"""Measure the speed and memory of stage 1: our way, the plain way, and the way it was before.

The plain way is the same network on the same crops and windows, in float32 on contiguous tensors,
with torch's own choice between oneDNN and its fallback; it gets huge pages as ours does. `before`
is what the default was until crops and network were sized for processors without fast bfloat16:
ResNet-18 with 64 channels, one crop of 64x64x64 a step, precision by the processor's flags (but for
normalisation that was folded into the convolutions of a prediction). It is another network, so
`ratio_to_before` says what a voxel costs now, not how much faster the same sums are.

Prediction is measured on a volume of noise and, our way alone, on a full-size tomogram from disk:
reading, normalising, windows, blending, peaks, one pass. With --train, training steps instead. The
last line is one JSON object: instruction_set, precision (ours), and

prediction: plain_voxels_per_s, before_voxels_per_s, voxels_per_s (of the tomogram), ratio (ours to
plain), ratio_to_before, max_abs_difference (of the score maps, ours and plain), seconds_full_size,
peak_memory_gb (of this process at full size)
--train: the same speeds and ratios (of the crops' voxels), steps_per_s (ours)
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import zarr

# Python searches this folder first; the rooms lie in the one above.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

# Before torch: it decides how torch allocates.
import stage1_proposals  # noqa: F401

# isort: split
import torch

from picking.config import CZII_PARTICLES, NetworkSettings, Stage1Settings
from picking.coordinates import indices_zyx_to_angstrom_xyz
from picking.files.ome_zarr import read_level
from picking.files.tomogram import Tomogram
from stage1_proposals.choose_precision import CANDIDATES, choose_precision
from stage1_proposals.device.compute_device import ComputeDevice, find_device
from stage1_proposals.network.fast_network import fast_network
from stage1_proposals.network.unet import ProposalNetwork
from stage1_proposals.prediction.peaks import find_candidates
from stage1_proposals.prediction.predict import predict_maps
from stage1_proposals.train import Member, train_member
from stage1_proposals.training.crops import prepare_volume
from stage1_proposals.training.optimisation import Checkpoints

FULL_SIZE_ZYX = (184, 630, 630)
FULL_SIZE_CANDIDATES = 3260  # by default, of the challenge's runs, which hold 181 picks each
COMPARED_ZYX = (184, 256, 256)
TRAINING_ZYX = (64, 256, 256)
VOXEL_SIZE_ZYX_ANGSTROM = np.array([10.012444196428572] * 3)
TOMOGRAM_SIGMA = 7e-6  # of the challenge's tomograms
KIBIBYTES_PER_GIGABYTE = 1e9 / 1024
NAMES = tuple(particle.name for particle in CZII_PARTICLES)
WARM_UP_STEPS = 3
WAYS = ("before", "plain", "ours")
ENCODER_BEFORE = "resnet18"
NETWORK_BEFORE = NetworkSettings(depth=3, decoder_channels=(32, 16), output_stride=2)
# Variables that cap the instruction set.
CAPS = ("ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY")
CROPS_BEFORE = {"batch_size": 1, "crop_zyx": (64, 64, 64)}


def noise_tomogram(shape_zyx: Sequence[int], rng: np.random.Generator) -> Tomogram:
    values_zyx = rng.standard_normal(shape_zyx, dtype=np.float32) * np.float32(TOMOGRAM_SIGMA)
    return Tomogram("noise", values_zyx, VOXEL_SIZE_ZYX_ANGSTROM)


def encoder_of(way: str, settings: Stage1Settings) -> str:
    return ENCODER_BEFORE if way == "before" else settings.ensemble.encoders[0]


def settings_of(way: str, settings: Stage1Settings) -> Stage1Settings:
    if way != "before":
        return settings
    training = settings.training.model_copy(update=CROPS_BEFORE)
    return settings.model_copy(update={"network": NETWORK_BEFORE, "training": training})


def device_of(way: str, device: ComputeDevice) -> ComputeDevice:
    if way == "plain":
        return replace(device, half_dtype=None, memory_format=torch.contiguous_format)
    if way == "before" and device.device.type == "cpu":
        flags = torch.cpu.get_capabilities()
        # The flags are those of the whole processor, whatever it is capped to.
        capped = any(os.environ.get(cap) for cap in CAPS)
        has_bf16 = not capped and (flags.get("avx512_bf16") or flags.get("amx_bf16"))
        return replace(device, half_dtype=torch.bfloat16 if has_bf16 else None)
    return device


@contextmanager
def convolutions_of(way: str) -> Iterator[None]:
    """Leave the choice between oneDNN and the fallback to torch, but in our way."""
    chosen_by_torch = mock.patch(
        "stage1_proposals.network.unet.onednn_convolutions", side_effect=lambda _: nullcontext()
    )
    with nullcontext() if way == "ours" else chosen_by_torch:
        yield


def compare_prediction(
    settings: Stage1Settings, repeats: int, device: ComputeDevice, rng: np.random.Generator
) -> dict[str, float]:
    """All ways by turns; the fastest of each counts. One more of each before warms up."""
    tomogram = noise_tomogram(COMPARED_ZYX, rng)
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    scores = {}
    networks = {}
    for way in WAYS:
        torch.manual_seed(0)
        network = ProposalNetwork(
            encoder_of(way, settings), settings_of(way, settings).network, len(NAMES)
        )
        if way == "plain":
            networks[way] = network.eval().to(device.device)
        else:
            networks[way] = fast_network(network, device_of(way, device))
    for _ in range(repeats + 1):
        for way in WAYS:
            with convolutions_of(way):
                start = time.perf_counter()
                maps = predict_maps(
                    tomogram,
                    [networks[way]],
                    NAMES,
                    settings.prediction,
                    1,
                    device_of(way, device),
                )
                seconds[way].append(time.perf_counter() - start)
            scores[way] = maps.score_maps.scores_tzyx
    voxels = tomogram.values_zyx.size
    speeds = {way: voxels / min(took[1:]) for way, took in seconds.items()}
    difference = float(np.abs(scores["ours"] - scores["plain"]).max())
    return {**figures_of(speeds), "max_abs_difference": difference}


def figures_of(speeds: dict[str, float]) -> dict[str, float]:
    return {
        "plain_voxels_per_s": round(speeds["plain"]),
        "before_voxels_per_s": round(speeds["before"]),
        "voxels_per_s": round(speeds["ours"]),
        "ratio": round(speeds["ours"] / speeds["plain"], 2),
        "ratio_to_before": round(speeds["ours"] / speeds["before"], 2),
    }


def full_size(
    settings: Stage1Settings, device: ComputeDevice, rng: np.random.Generator
) -> dict[str, float]:
    """One pass over a full-size tomogram, from the file to the candidates."""
    encoder = encoder_of("ours", settings)
    network = fast_network(ProposalNetwork(encoder, settings.network, len(NAMES)), device)
    with tempfile.TemporaryDirectory() as folder:
        zarr.save_array(
            zarr.DirectoryStore(folder),
            noise_tomogram(FULL_SIZE_ZYX, rng).values_zyx,
            chunks=(184, 256, 256),
        )
        start = time.perf_counter()
        values_zyx = read_level(zarr.open_array(folder, mode="r"), folder)
        read = time.perf_counter()
        tomogram = Tomogram("noise", values_zyx, VOXEL_SIZE_ZYX_ANGSTROM)
        maps = predict_maps(tomogram, [network], NAMES, settings.prediction, 1, device)
        predicted = time.perf_counter()
        find_candidates(
            "noise", maps.score_maps, CZII_PARTICLES, settings.peaks, FULL_SIZE_CANDIDATES
        )
        end = time.perf_counter()
    print(
        f"full size: reading {read - start:.1f} s, score maps {predicted - read:.1f} s, "
        f"peaks {end - predicted:.1f} s"
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if sys.platform == "darwin":
        peak /= 1024  # bytes there, kibibytes elsewhere
    return {
        "seconds_full_size": round(end - start, 2),
        "peak_memory_gb": round(peak / KIBIBYTES_PER_GIGABYTE, 2),
    }


def compare_training(
    settings: Stage1Settings, steps: int, device: ComputeDevice, rng: np.random.Generator
) -> dict[str, float]:
    """All ways once each, without the checkpoints.

    A training of a few steps comes before and is taken off, with all that a training begins and
    ends with.
    """
    tomogram = noise_tomogram(TRAINING_ZYX, rng)
    indices_zyx = rng.random((60, 3)) * (np.array(TRAINING_ZYX) - 1)
    truth = pd.DataFrame(
        indices_zyx_to_angstrom_xyz(indices_zyx, VOXEL_SIZE_ZYX_ANGSTROM), columns=["x", "y", "z"]
    ).assign(run="noise", particle_type=[NAMES[index % len(NAMES)] for index in range(60)])
    speeds = {}
    for way in WAYS:
        own = settings_of(way, settings)
        seconds = {}
        for number in (WARM_UP_STEPS, WARM_UP_STEPS + steps):
            training = own.training.model_copy(
                update={"max_steps": number, "epochs": 1e6, "checkpoint_every": number}
            )
            used = own.model_copy(update={"training": training})
            volumes = [prepare_volume(tomogram, truth, CZII_PARTICLES, used)]
            member = Member(encoder_of(way, settings), 0, 0, 0)
            with convolutions_of(way):
                start = time.perf_counter()
                train_member(
                    volumes,
                    CZII_PARTICLES,
                    used,
                    member,
                    device_of(way, device),
                    Checkpoints(Path("none"), "none"),
                )
                seconds[number] = time.perf_counter() - start
        crop_voxels = training.batch_size * int(np.prod(training.crop_zyx))
        speeds[way] = steps * crop_voxels / (seconds[number] - seconds[WARM_UP_STEPS])
    return {**figures_of(speeds), "steps_per_s": round(speeds["ours"] / crop_voxels, 2)}


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--train", action="store_true", help="training instead of prediction")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    parser.add_argument("--repeats", type=int, default=3, help="of the comparison")
    parser.add_argument("--steps", type=int, default=40, help="of a training")
    parser.add_argument("--precision", choices=CANDIDATES, help="default: by measurement")
    arguments = parser.parse_args(argv)
    settings = Stage1Settings()
    device = find_device(arguments.threads)
    precision = (
        arguments.precision
        or choose_precision(settings, encoder_of("ours", settings), len(NAMES), device).precision
    )
    device = find_device(arguments.threads, precision)
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    if arguments.train:
        figures = compare_training(settings, arguments.steps, device, rng)
    else:
        # First, so that the peak is its own.
        figures = full_size(settings, device, rng)
        figures = compare_prediction(settings, arguments.repeats, device, rng) | figures
    made_with = {
        "instruction_set": torch.backends.cpu.get_cpu_capability(),
        "precision": device.precision,
    }
    print(json.dumps(made_with | figures))


if __name__ == "__main__":
    main()
