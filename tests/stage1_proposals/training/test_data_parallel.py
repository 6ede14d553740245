"""Two processes that train together (gloo, on the CPU) learn the same network."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from picking.config import ParticleType, Stage1Settings
from stage1_proposals.device.compute_device import find_device
from stage1_proposals.network.unet import ProposalNetwork
from stage1_proposals.train import Member, train_member
from stage1_proposals.training.crops import draw_batch, prepare_volume
from stage1_proposals.training.data_parallel import ALONE, TrainingProcesses, joined_processes
from stage1_proposals.training.optimisation import Checkpoints
from tests.stage1_proposals.conftest import ball_tomogram
from tests.workflow_runs import REPOSITORY

PARTICLE = ParticleType(name="ball", label=1, radius_angstrom=60)
SETTINGS = Stage1Settings.model_validate(
    {
        "network": {"depth": 2, "decoder_channels": [8]},
        "training": {
            "max_steps": 3,
            "epochs": 1000,
            "batch_size": 4,
            "processes": 2,
            "crop_zyx": [16, 16, 16],
            "checkpoint_every": 2,
        },
    }
)


def train_together(folder: Path) -> None:
    """Run by each of the two processes; writes what it has learnt."""
    with joined_processes() as group:
        mean = group.mean(torch.tensor(float(group.rank)))
        volumes = [prepare_volume(*ball_tomogram("a", 0), (PARTICLE,), SETTINGS)]
        network, curve = train_member(
            volumes,
            (PARTICLE,),
            SETTINGS,
            Member("resnet18", 0, 0, 0),
            find_device(1),
            Checkpoints(folder / "checkpoint.pt", "key"),
            group,
        )
        learnt = {"weights": dict(network.named_parameters()), "curve": curve, "mean": mean}
        torch.save(learnt, folder / f"rank{group.rank}.pt")


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    folder = tmp_path_factory.mktemp("together")
    torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    module = "tests.stage1_proposals.training.test_data_parallel"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            *torchrun,
            "-m",
            module,
            folder,
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [torch.load(folder / f"rank{rank}.pt", weights_only=True) for rank in range(2)]


def test_both_processes_have_learnt_the_same(learnt: list[dict]) -> None:
    first, second = learnt
    for name, tensor in first["weights"].items():
        assert torch.equal(tensor, second["weights"][name]), name
    assert first["curve"] == second["curve"]
    assert [step for step, _, _ in first["curve"]] == [1, 2, 3]


def test_a_number_is_averaged_over_the_processes(learnt: list[dict]) -> None:
    assert [process["mean"] for process in learnt] == [0.5, 0.5]
    assert ALONE.mean(torch.tensor(3.0)) == 3.0


class Unconnected(TrainingProcesses):
    """Takes its share of every batch, and learns from it alone."""

    def joined(self, network: ProposalNetwork) -> ProposalNetwork:
        return network

    def mean(self, value: torch.Tensor) -> float:
        return float(value.detach())


def test_each_process_learns_from_the_others_crops(learnt: list[dict], tmp_path: Path) -> None:
    volumes = [prepare_volume(*ball_tomogram("a", 0), (PARTICLE,), SETTINGS)]
    curves = []
    for rank in range(2):
        alone, curve = train_member(
            volumes,
            (PARTICLE,),
            SETTINGS,
            Member("resnet18", 0, 0, 0),
            find_device(1),
            Checkpoints(tmp_path / f"checkpoint{rank}.pt", "key"),
            Unconnected(rank, 2),
        )
        curves.append(curve)
        weights = dict(alone.named_parameters())
        assert any(
            not torch.allclose(weight, weights[name], rtol=1e-3)
            for name, weight in learnt[rank]["weights"].items()
        )
    # Nothing is learnt yet at the first step, so that its loss is the mean of the shares' own.
    first_losses = [curve[0][1] for curve in curves]
    assert learnt[0]["curve"][0][1] == pytest.approx(np.mean(first_losses), rel=1e-4)


def test_the_shares_make_up_the_batch() -> None:
    volumes = [prepare_volume(*ball_tomogram("a", 0), (PARTICLE,), SETTINGS)]
    whole, first, second = (
        draw_batch(volumes, SETTINGS, np.random.default_rng(3), group)
        for group in (ALONE, TrainingProcesses(0, 2), TrainingProcesses(1, 2))
    )
    assert torch.equal(whole.volumes[0::2], first.volumes)
    assert torch.equal(whole.volumes[1::2], second.volumes)
    assert torch.equal(whole.targets[1::2], second.targets)


def test_a_batch_that_cannot_be_shared_evenly_is_refused() -> None:
    with pytest.raises(ValueError, match=r"batch_size is 3, which 2 training\.processes cannot"):
        Stage1Settings.model_validate({"training": {"batch_size": 3, "processes": 2}})


if __name__ == "__main__":
    train_together(Path(sys.argv[1]))
