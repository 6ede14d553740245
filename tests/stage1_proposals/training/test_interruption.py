"""A training that is killed at any moment goes on, and ends as if nothing had happened."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import patch

import pytest
import torch

from picking.config import ParticleType, Stage1Settings
from stage1_proposals.device.compute_device import find_device
from stage1_proposals.network.unet import ProposalNetwork
from stage1_proposals.train import Member, train_member
from stage1_proposals.training.checkpoint import TrainingState, load_state, save_state
from stage1_proposals.training.crops import prepare_volume
from stage1_proposals.training.optimisation import Checkpoints
from tests.stage1_proposals.conftest import ball_tomogram
from tests.workflow_runs import REPOSITORY

PARTICLE = ParticleType(name="ball", label=1, radius_angstrom=60)
STEPS = 12
KILLED_AFTER = 5
MOST_SECONDS = 300


def train(checkpoint: Path, encoder: str = "resnet18") -> ProposalNetwork:
    settings = Stage1Settings.model_validate(
        {
            "network": {"depth": 2, "decoder_channels": [8]},
            "training": {
                "max_steps": STEPS,
                "epochs": 1000,
                "batch_size": 2,
                "crop_zyx": [16, 16, 16],
                "checkpoint_every": 1,
            },
        }
    )
    volumes = [prepare_volume(*ball_tomogram("a", 0), (PARTICLE,), settings)]
    member = Member(encoder, 0, 0, 0)
    return train_member(
        volumes, (PARTICLE,), settings, member, find_device(1), Checkpoints(checkpoint, "key")
    )[0]


def train_then_wait(checkpoint: Path) -> None:
    """Train up to some step, then wait to be killed, however slow the machine is."""

    def save_then_wait(path: Path, key: str, state: TrainingState) -> None:
        save_state(path, key, state)
        if state.step == KILLED_AFTER:
            print("waiting", flush=True)
            time.sleep(MOST_SECONDS)

    with patch("stage1_proposals.training.optimisation.save_state", save_then_wait):
        train(checkpoint)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> ProposalNetwork:
    return train(tmp_path_factory.mktemp("unbroken") / "checkpoint.pt")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_killed_training_ends_as_an_unbroken_one(
    unbroken: ProposalNetwork, tmp_path: Path, how: signal.Signals
) -> None:
    checkpoint = tmp_path / "checkpoint.pt"
    # Where the tests run in the background, a shell has told them to ignore SIGINT.
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    wait = (
        f"from {__name__} import Path, train_then_wait; train_then_wait(Path({str(checkpoint)!r}))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", f"{heed}; {wait}"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(how)
        assert process.wait(MOST_SECONDS) != 0
    state = load_state(checkpoint, "key")
    assert state is not None
    assert state.step == KILLED_AFTER
    resumed = train(checkpoint).state_dict()
    for name, tensor in unbroken.state_dict().items():
        assert torch.equal(tensor, resumed[name]), name


def test_random_layers_draw_the_same_when_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # EfficientNet drops connections at random.
    unbroken = train(tmp_path / "unbroken.pt", "efficientnet-b0").state_dict()
    checkpoint = tmp_path / "checkpoint.pt"

    def save_then_stop(path: Path, key: str, state: TrainingState) -> None:
        save_state(path, key, state)
        if state.step == STEPS // 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("stage1_proposals.training.optimisation.save_state", save_then_stop)
        with pytest.raises(KeyboardInterrupt):
            train(checkpoint, "efficientnet-b0")
    torch.rand(3)  # whatever torch has drawn meanwhile
    resumed = train(checkpoint, "efficientnet-b0").state_dict()
    for name, tensor in unbroken.items():
        assert torch.equal(tensor, resumed[name]), name
