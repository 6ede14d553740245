"""Measure the speed and memory of stage 1: our way and the plain way, in one run.

The plain way is the same network as it was trained, in float32 on contiguous tensors, over the
same windows with the same overlap; it gets huge pages as ours does. Prediction is measured on a
volume of noise and, our way alone, on a full-size tomogram from disk: reading, normalising,
windows, blending, peaks, one pass. With --train, training steps instead. The last line is one JSON
object:

prediction: plain_voxels_per_s, voxels_per_s (of the tomogram), ratio, max_abs_difference (of the
two score maps), seconds_full_size, peak_memory_gb (of this process at full size)
--train: plain_voxels_per_s, voxels_per_s (of the crops), ratio
"""

import argparse
import copy
import json
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import zarr

# Python searches this folder first; the rooms lie in the one above.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

# Before torch: it decides how torch allocates.
import stage1_proposals  # noqa: F401

# isort: split
import torch

from picking.config import CZII_PARTICLES, PredictionSettings, Stage1Settings
from picking.coordinates import indices_zyx_to_angstrom_xyz
from picking.ome_zarr import read_level
from picking.tomogram import Tomogram
from stage1_proposals.compute_device import ComputeDevice, find_device
from stage1_proposals.crops import prepare_volume
from stage1_proposals.fast_network import fast_network
from stage1_proposals.network import ProposalNetwork
from stage1_proposals.peaks import find_candidates
from stage1_proposals.predict import predict_score_maps
from stage1_proposals.train import Member, train_member

FULL_SIZE_ZYX = (184, 630, 630)
COMPARED_ZYX = (184, 256, 256)
TRAINING_ZYX = (64, 256, 256)
VOXEL_SIZE_ZYX_ANGSTROM = np.array([10.012444196428572] * 3)
TOMOGRAM_SIGMA = 7e-6  # of the challenge's tomograms
KIBIBYTES_PER_GIGABYTE = 1e9 / 1024
NAMES = tuple(particle.name for particle in CZII_PARTICLES)
ENCODER = "resnet18"


def noise_tomogram(shape_zyx: Sequence[int], rng: np.random.Generator) -> Tomogram:
    values_zyx = rng.standard_normal(shape_zyx, dtype=np.float32) * np.float32(TOMOGRAM_SIGMA)
    return Tomogram("noise", values_zyx, VOXEL_SIZE_ZYX_ANGSTROM)


def plain(device: ComputeDevice) -> ComputeDevice:
    """Take mixed precision and the order of channels from a device."""
    return replace(device, half_dtype=None, memory_format=torch.contiguous_format)


def seconds_of_prediction(
    tomogram: Tomogram,
    network: ProposalNetwork,  # prepared for the device
    settings: PredictionSettings,
    device: ComputeDevice,
) -> tuple[float, np.ndarray]:
    start = time.perf_counter()
    maps = predict_score_maps(tomogram, [network], NAMES, settings, 1, device)
    return time.perf_counter() - start, maps.scores_tzyx


def compare_prediction(
    settings: Stage1Settings, repeats: int, device: ComputeDevice, rng: np.random.Generator
) -> dict[str, float]:
    """Both ways by turns; the fastest of each counts. One more of each before warms up."""
    network = ProposalNetwork(ENCODER, settings.network, len(NAMES)).eval()
    tomogram = noise_tomogram(COMPARED_ZYX, rng)
    seconds: dict[str, list[float]] = {"plain": [], "ours": []}
    scores = {}
    prepared = {
        "plain": copy.deepcopy(network).to(device.device),
        "ours": fast_network(network, device),
    }
    for _ in range(repeats + 1):
        for way, on in (("plain", plain(device)), ("ours", device)):
            took, scores[way] = seconds_of_prediction(
                tomogram, prepared[way], settings.prediction, on
            )
            seconds[way].append(took)
    voxels = tomogram.values_zyx.size
    fastest = {way: voxels / min(took[1:]) for way, took in seconds.items()}
    return {
        "plain_voxels_per_s": round(fastest["plain"]),
        "voxels_per_s": round(fastest["ours"]),
        "ratio": round(fastest["ours"] / fastest["plain"], 2),
        "max_abs_difference": float(np.abs(scores["ours"] - scores["plain"]).max()),
    }


def full_size(
    settings: Stage1Settings, device: ComputeDevice, rng: np.random.Generator
) -> dict[str, float]:
    """One pass over a full-size tomogram, from the file to the candidates."""
    network = fast_network(ProposalNetwork(ENCODER, settings.network, len(NAMES)), device)
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
        maps = predict_score_maps(tomogram, [network], NAMES, settings.prediction, 1, device)
        predicted = time.perf_counter()
        find_candidates("noise", maps, CZII_PARTICLES, settings.peaks)
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
    """Both ways once each, without the checkpoints; two steps before warm up."""
    tomogram = noise_tomogram(TRAINING_ZYX, rng)
    indices_zyx = rng.random((60, 3)) * (np.array(TRAINING_ZYX) - 1)
    truth = pd.DataFrame(
        indices_zyx_to_angstrom_xyz(indices_zyx, VOXEL_SIZE_ZYX_ANGSTROM), columns=["x", "y", "z"]
    ).assign(run="noise", particle_type=[NAMES[index % len(NAMES)] for index in range(60)])
    speed = {}
    for way, on in (("plain", plain(device)), ("ours", device)):
        for number in (2, steps):
            training = settings.training.model_copy(
                update={"max_steps": number, "epochs": 1e6, "checkpoint_every": number}
            )
            used = settings.model_copy(update={"training": training})
            volumes = [prepare_volume(tomogram, truth, CZII_PARTICLES, used)]
            start = time.perf_counter()
            train_member(
                volumes, CZII_PARTICLES, used, Member(ENCODER, 0, 0, 0), on, Path("none"), "none"
            )
            seconds = time.perf_counter() - start
        crop_voxels = training.batch_size * int(np.prod(training.crop_zyx))
        speed[way] = number * crop_voxels / seconds
    return {
        "plain_voxels_per_s": round(speed["plain"]),
        "voxels_per_s": round(speed["ours"]),
        "ratio": round(speed["ours"] / speed["plain"], 2),
    }


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--train", action="store_true", help="training instead of prediction")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    parser.add_argument("--repeats", type=int, default=3, help="of the comparison")
    parser.add_argument("--steps", type=int, default=40, help="of a training")
    arguments = parser.parse_args(argv)
    settings = Stage1Settings()
    device = find_device(arguments.threads)
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    if arguments.train:
        figures = compare_training(settings, arguments.steps, device, rng)
    else:
        # First, so that the peak is its own.
        figures = full_size(settings, device, rng)
        figures = compare_prediction(settings, arguments.repeats, device, rng) | figures
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
