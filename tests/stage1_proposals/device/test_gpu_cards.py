"""Jobs side by side take a card each; no card is needed to test it."""

import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from picking.errors import InputError
from stage1_proposals.device import compute_device, gpu_cards
from stage1_proposals.device.compute_device import find_device
from stage1_proposals.device.gpu_cards import take_card
from tests.workflow_runs import REPOSITORY

MOST_SECONDS = 60
# Takes a card of two, says which, and holds it until its input ends.
JOB = """
import sys
from pathlib import Path
from stage1_proposals.device import gpu_cards
gpu_cards.SECONDS_BETWEEN_LOOKS = 0.01
print(gpu_cards.take_card(sys.argv[2:], locks=Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


class Job:
    def __init__(self, locks: Path, *identifiers: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", JOB, str(locks), *identifiers],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def card(self) -> int:
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())

    def says(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.readline()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=MOST_SECONDS)


@pytest.fixture
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(gpu_cards, "_held", {})
    return tmp_path / "locks"


def test_each_job_takes_a_card_of_its_own(locks: Path) -> None:
    jobs = [Job(locks, "A", "B"), Job(locks, "A", "B")]
    try:
        assert {job.card() for job in jobs} == {0, 1}
        with pytest.raises(InputError, match="all 2 are taken"):
            take_card(["A", "B"], wait=False, locks=locks)
    finally:
        for job in jobs:
            job.end()
    # However a job ends, its card is free again.
    assert take_card(["A", "B"], wait=False, locks=locks) == 0


def test_a_job_waits_for_a_card_and_says_so(locks: Path) -> None:
    first = Job(locks, "A")
    assert first.card() == 0
    second = Job(locks, "A")
    try:
        assert "waiting for a graphics card" in second.says()
        time.sleep(0.1)
        assert second.process.poll() is None
        first.end()
        assert second.card() == 0
    finally:
        first.end()
        second.end()


def test_cards_are_told_apart_by_themselves_not_by_their_number(locks: Path) -> None:
    # As under CUDA_VISIBLE_DEVICES=0 and =1, or two jobs of Slurm: each sees one card, number 0.
    jobs = [Job(locks, "A"), Job(locks, "B")]
    try:
        assert [job.card() for job in jobs] == [0, 0]
    finally:
        for job in jobs:
            job.end()


def test_a_process_keeps_its_card(locks: Path) -> None:
    assert take_card(["A", "B"], locks=locks) == 0
    assert take_card(["A", "B"], locks=locks) == 0
    assert take_card(["B", "A"], locks=locks) == 1


def test_a_folder_without_locks_is_named(locks: Path) -> None:
    locks.write_text("no folder")
    with pytest.raises(InputError, match="set TMPDIR"):
        take_card(["A"], locks=locks)


@pytest.mark.parametrize("wait", [True, False])
def test_the_device_is_the_card_that_was_taken(
    monkeypatch: pytest.MonkeyPatch, locks: Path, wait: bool
) -> None:
    used: list[torch.device] = []
    taken = Job(locks, "GPU-a")
    assert taken.card() == 0
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(
        torch.cuda,
        "get_device_properties",
        lambda index: SimpleNamespace(uuid=f"GPU-{'ab'[index]}"),
    )
    monkeypatch.setattr(torch.cuda, "set_device", used.append)
    monkeypatch.setattr(
        compute_device,
        "take_card",
        lambda identifiers, *, wait: take_card(identifiers, wait=wait, locks=locks),
    )
    try:
        device = find_device(1, "bfloat16", wait=wait).device
    finally:
        taken.end()
    assert device == torch.device("cuda", 1)
    assert used == [device]
