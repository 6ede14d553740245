"""Run config/czii.yaml's stage 1 and features on full-size synthetic runs, and say what they cost.

Made for a graphics card; a machine without one takes the CPU, for which --toy makes all small. On
data that are made first, through the commands' own functions:

1. the precision is measured;
2. a network is trained for 300 steps, interrupted half-way and resumed from its checkpoint;
3. a full-size tomogram is predicted, one pass after a first one that warms up, its candidates are
   found, their features measured.

At most eight minutes on a machine with a card and 16 cores; --data FOLDER keeps the runs for the
next time. The last line is one JSON object:

device, precision, step_seconds (of the measurement, by precision)
training_voxels_per_s, training_seconds_per_step, cropping_seconds_per_step (alone),
resumed_at_step, loss_first, loss_last
matrix_tflops (of a matrix product on this device, in the precision that was chosen),
training_tflops, share_of_peak
reading_seconds, network_seconds (one pass), peaks_seconds, features_seconds, candidates
device_memory_gb, host_memory_gb (largest)
hours_of_trainings (all folds of czii.yaml), hours_of_500_tomograms (all passes; reading and peaks
are hidden behind the network where they are shorter, features run beside it on the other cores)
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

# Python searches this folder first, and finds other files there.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

# Before torch: it decides how torch allocates.
import stage1_proposals  # noqa: F401

# isort: split
import torch
from torch.utils.flop_counter import FlopCounterMode

from features.extract import extract_features
from picking.config import PipelineConfig, load_config
from picking.data_in.import_dataset import import_kaggle
from picking.data_in.imported_truth import PickedFiles
from picking.data_in.inventory import resolve
from picking.files.picks_density import PicksDensity
from picking.files.tables import TRUTH
from picking.files.tomogram import Tomogram, read_tomogram
from picking.scoring.folds import Folds
from picking.structures.make_structures import find_structures
from picking.synthetic.make_run import make_run
from stage1_proposals import train
from stage1_proposals.choose_precision import choose_precision, empty_step
from stage1_proposals.device.compute_device import ComputeDevice, find_device
from stage1_proposals.network.fast_network import fast_network
from stage1_proposals.network.unet import ProposalNetwork
from stage1_proposals.prediction.candidate_budget import candidate_budget
from stage1_proposals.prediction.embed import embed_candidates
from stage1_proposals.prediction.peaks import find_candidates
from stage1_proposals.prediction.predict import predict_maps
from stage1_proposals.training import optimisation
from stage1_proposals.training.checkpoint import TrainingState, load_state, save_state
from stage1_proposals.training.crops import draw_batch, near_network, prepare_volume
from stage1_proposals.training.optimisation import Checkpoints

CONFIG = Path(__file__).resolve().parents[1] / "config"
TRAIN_RUN, TEST_RUN = "TS_1_1", "TS_2_1"
NO_FOLDS = Folds(())  # the test run is measured against all training runs: the one
REAL_TRAINING_RUNS, REAL_TEST_RUNS = 7, 500
FULL_SIZE_ZYX = [184, 630, 630]
CHECKPOINT_KEY = "benchmark"
# Everything small, so that the same lines run on two cores in a minute.
TOY = {
    "synthetic": {"shape_zyx": [64, 128, 128], "crowding": 2.0},
    "stage1_proposals": {
        "ensemble": {"encoders": ["resnet18-w8"]},
        "network": {"decoder_channels": [8, 8, 8]},
        "training": {"crop_zyx": [32, 32, 32], "max_steps": 8, "checkpoint_every": 4},
        "prediction": {"window_zyx": [64, 128, 128]},
        "peaks": {"least_candidates": 60},
    },
}
FULL = {
    "synthetic": {"shape_zyx": FULL_SIZE_ZYX},
    "stage1_proposals": {"training": {"max_steps": 300, "checkpoint_every": 150}},
}
# Batches whose cropping is timed alone, and sides of the matrices of the peak rate.
TIMED_BATCHES = 8
MATRIX_SIDE = {"cuda": 8192, "cpu": 1024}
MATRIX_PRODUCTS = 10
BYTES_PER_GB = 1e9
KIBIBYTES_PER_GB = 1e9 / 1024
SECONDS_PER_HOUR = 3600


@dataclass(frozen=True)
class Data:
    """Two runs in Kaggle's layout, imported."""

    training_project: Path
    test_project: Path
    picked: PickedFiles


def configured(toy: bool, folder: Path) -> PipelineConfig:
    """Read czii.yaml with the length, or all sizes, of this benchmark."""
    # JSON is YAML too.
    own = folder / "benchmark.json"
    own.write_text(json.dumps(TOY if toy else FULL))
    return resolve(load_config([CONFIG / "config.yaml", CONFIG / "czii.yaml", own]))


def made_data(config: PipelineConfig, folder: Path) -> Data:
    """Make the runs, unless the folder has them, and import them."""
    dataset = folder / "dataset"
    for run, split in ((TRAIN_RUN, "train"), (TEST_RUN, "test")):
        if not any(dataset.glob(f"{split}/static/ExperimentRuns/{run}")):
            start = time.perf_counter()
            make_run(config.synthetic, 0, run, split, dataset, workers=os.cpu_count() or 1)
            print(f"made {run} in {time.perf_counter() - start:.0f} s", file=sys.stderr)
    picked = PickedFiles(folder / "truth.csv", folder / "density.json")
    data = Data(folder / "train.json", folder / "test.json", picked)
    import_kaggle(config, dataset, "train", [TRAIN_RUN], data.training_project, data.picked)
    import_kaggle(config, dataset, "test", [TEST_RUN], data.test_project)
    return data


def synchronised_seconds(device: ComputeDevice) -> float:
    """Read the clock once the device has done what it was asked for."""
    if device.device.type == "cuda":
        torch.cuda.synchronize(device.device)
    return time.perf_counter()


class InterruptionError(Exception):
    """The training is stopped here, as by a signal."""


def measure_training(
    config: PipelineConfig, data: Data, device: ComputeDevice, folder: Path
) -> tuple[ProposalNetwork, dict[str, float]]:
    """Train, interrupted after the first checkpoint and resumed."""
    settings, particles = config.stage1_proposals, config.known_particles
    tomogram = read(config, data.training_project, TRAIN_RUN)
    volumes = [prepare_volume(tomogram, TRUTH.read(data.picked.truth), particles, settings)]
    member = train.Member(settings.ensemble.encoders[0], config.seed, 0, 0)
    checkpoint = folder / "checkpoint.pt"

    def training() -> tuple[ProposalNetwork, list[tuple[int, float, float]]]:
        return train.train_member(
            volumes, particles, settings, member, device, Checkpoints(checkpoint, CHECKPOINT_KEY)
        )

    def save_and_stop(path: Path, key: str, state: TrainingState) -> None:
        save_state(path, key, state)
        raise InterruptionError

    with mock.patch.object(optimisation, "save_state", save_and_stop):
        try:
            training()
        except InterruptionError:
            print("interrupted, resumed from the checkpoint", file=sys.stderr)
    state = load_state(checkpoint, CHECKPOINT_KEY)
    assert state is not None
    # From the first step's loss to the last one's: what a training begins and ends with counts not.
    ticks: list[float] = []
    loss_of_batch = train._loss

    def timed_loss(*arguments: Any) -> torch.Tensor:
        ticks.append(synchronised_seconds(device))
        return loss_of_batch(*arguments)

    with mock.patch.object(train, "_loss", timed_loss):
        network, curve = training()
    steps = len(ticks) - 1
    if len(ticks) != len(curve) - state.step:
        raise RuntimeError(f"resumed at step {len(curve) - len(ticks)}, not at {state.step}")
    took = ticks[-1] - ticks[0]
    checkpoint.unlink()
    voxels = settings.training.batch_size * int(np.prod(settings.training.crop_zyx))
    tflops = step_flops(config, device) / 1e12 * steps / took
    peak = matrix_tflops(device)
    near = near_network(volumes, device.device)
    start = synchronised_seconds(device)
    for batch in range(TIMED_BATCHES):
        draw_batch(near, settings, member.generator(train.TRAINING_CROPS, batch))
    cropping = (synchronised_seconds(device) - start) / TIMED_BATCHES
    return network, {
        "training_voxels_per_s": round(steps * voxels / took),
        "training_seconds_per_step": took / steps,
        "cropping_seconds_per_step": cropping,
        "resumed_at_step": state.step,
        "loss_first": curve[0][1],
        "loss_last": curve[-1][1],
        "matrix_tflops": peak,
        "training_tflops": tflops,
        "share_of_peak": tflops / peak,
    }


def step_flops(config: PipelineConfig, device: ComputeDevice) -> float:
    """Count the operations of the convolutions of one training step, forwards and backwards."""
    settings = config.stage1_proposals
    encoder, types = settings.ensemble.encoders[0], len(config.known_particles)
    network = ProposalNetwork(encoder, settings.network, types)
    shape = (settings.training.batch_size, 1, *settings.training.crop_zyx)
    step = empty_step(network, shape, device)
    with FlopCounterMode(display=False) as counter:
        step()
    return float(counter.get_total_flops())


def matrix_tflops(device: ComputeDevice) -> float:
    """Measure the device's rate in a large matrix product, in the networks' precision."""
    side = MATRIX_SIDE[device.device.type]
    dtype = device.half_dtype or torch.float32
    matrix = torch.ones((side, side), dtype=dtype, device=device.device)
    matrix @ matrix
    start = synchronised_seconds(device)
    for _ in range(MATRIX_PRODUCTS):
        matrix @ matrix
    return MATRIX_PRODUCTS * 2 * side**3 / (synchronised_seconds(device) - start) / 1e12


def measure_picking(
    config: PipelineConfig, data: Data, network: ProposalNetwork, device: ComputeDevice
) -> dict[str, float]:
    """One tomogram: reading, one pass, peaks, features."""
    settings, particles = config.stage1_proposals, config.known_particles
    names = tuple(particle.name for particle in particles)
    ready = [fast_network(network, device)]
    start = time.perf_counter()
    tomogram = read(config, data.test_project, TEST_RUN)
    times = {"reading_seconds": time.perf_counter() - start}
    for _ in range(2):
        start = synchronised_seconds(device)
        predicted = predict_maps(tomogram, ready, names, settings.prediction, 1, device)
        times["network_seconds"] = synchronised_seconds(device) - start
    start = time.perf_counter()
    density = PicksDensity.read(data.picked.density)
    budget = candidate_budget(
        density, NO_FOLDS, TEST_RUN, settings.peaks, tomogram.volume_cubic_angstrom
    )
    candidates = find_candidates(TEST_RUN, predicted.score_maps, particles, settings.peaks, budget)
    embedding = embed_candidates(candidates, predicted, particles)
    times["peaks_seconds"] = time.perf_counter() - start
    structures = {name: found for name, (found, _) in find_structures(config).items()}
    # Of the size of the structures; they have banks of their own.
    averages = {name: replace(structure) for name, structure in structures.items()}
    start = time.perf_counter()
    extract_features(
        tomogram,
        candidates,
        predicted.score_maps,
        embedding,
        particles,
        config.features,
        structures,
        averages,
    )
    times["features_seconds"] = time.perf_counter() - start
    return {**times, "candidates": len(candidates)}


def read(config: PipelineConfig, project: Path, run: str) -> Tomogram:
    return read_tomogram(project, run, *config.tomogram_kind)


def extrapolated(config: PipelineConfig, figures: dict[str, float]) -> dict[str, float]:
    """Hours of czii.yaml's trainings, and of picking 500 full-size tomograms with its networks."""
    real = resolve(load_config([CONFIG / "config.yaml", CONFIG / "czii.yaml"]))
    stage1 = real.stage1_proposals
    folds = min(real.folds.number, REAL_TRAINING_RUNS)
    members = folds * len(stage1.ensemble.encoders) * len(stage1.ensemble.seeds)
    steps = members * stage1.training.max_steps
    passes = stage1.prediction.passes_with(members)
    proposing = max(
        passes * figures["network_seconds"], figures["reading_seconds"], figures["peaks_seconds"]
    )
    other_cores = max(1, (os.cpu_count() or 1) - 1)
    seconds = max(proposing, figures["features_seconds"] / other_cores)
    return {
        "hours_of_trainings": steps * figures["training_seconds_per_step"] / SECONDS_PER_HOUR,
        "hours_of_500_tomograms": REAL_TEST_RUNS * seconds / SECONDS_PER_HOUR,
    }


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--toy", action="store_true", help="small runs and a small network")
    parser.add_argument("--data", type=Path, help="folder for the runs (default: not kept)")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.data or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        config = configured(arguments.toy, Path(temporary))
        data = made_data(config, folder)
        device = find_device()
        stage1, types = config.stage1_proposals, len(config.known_particles)
        chosen = choose_precision(stage1, stage1.ensemble.encoders[0], types, device)
        device = find_device(precision=chosen.precision)
        if device.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device.device)
        network, figures = measure_training(config, data, device, Path(temporary))
        figures |= measure_picking(config, data, network, device)
    if device.device.type == "cuda":
        figures["device_memory_gb"] = torch.cuda.max_memory_allocated() / BYTES_PER_GB
    host = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if sys.platform == "darwin":
        host /= 1024  # bytes there, kibibytes elsewhere
    figures["host_memory_gb"] = host / KIBIBYTES_PER_GB
    figures |= extrapolated(config, figures)
    rounded = {name: float(f"{value:.4g}") for name, value in figures.items()}
    made_with = {
        "device": chosen.device,
        "precision": chosen.precision,
        "step_seconds": chosen.step_seconds,
    }
    print(json.dumps(made_with | rounded))


if __name__ == "__main__":
    main()
