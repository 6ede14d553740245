"""The truth of several users and sessions."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pytest

from picking.config import ParticleType, TruthSettings
from picking.errors import InputError
from picking.files.copick_project import filesystem_config
from picking.files.truth import read_truth
from tests.conftest import picks_content

BALL = ParticleType(name="ball", radius_angstrom=100)
CUBE = ParticleType(name="cube", radius_angstrom=100)

ReadTruth = Callable[..., pd.DataFrame]


@pytest.fixture
def read(tmp_path: Path) -> ReadTruth:
    """Write sets of picks along x, {(run, user, session, type): xs}, and read the truth."""
    overlay, config = tmp_path / "overlay", tmp_path / "copick.json"
    config.write_text(json.dumps(filesystem_config(overlay, overlay, [BALL, CUBE])))

    def read_sets(sets: dict[tuple[str, str, str, str], Sequence[float]], **truth: object):
        for (run, user, session, kind), xs in sets.items():
            folder = overlay / "ExperimentRuns" / run / "Picks"
            folder.mkdir(parents=True, exist_ok=True)
            content = picks_content(run, kind, [[x, 0, 0] for x in xs])
            (folder / f"{user}_{session}_{kind}.json").write_text(json.dumps(content))
        runs = sorted({run for run, *_ in sets})
        return read_truth(config, runs, [BALL, CUBE], TruthSettings.model_validate(truth))

    return read_sets


def test_users_who_picked_different_runs_count_together(read: ReadTruth) -> None:
    sets = {
        ("R1", "alice", "1", "ball"): [10],
        ("R2", "bob", "7", "ball"): [20],
        ("R3", "carol", "1", "ball"): [30],
    }
    truth = read(sets, user_id=["alice", "bob"])
    assert truth[["run", "x"]].to_numpy().tolist() == [["R1", 10], ["R2", 20]]
    assert read(sets, session_id=["1"])["run"].tolist() == ["R1", "R3"]


SAME_RUN = {
    ("R1", "alice", "1", "ball"): [0, 500],
    ("R1", "bob", "1", "ball"): [40, 900],
    ("R1", "bob", "1", "cube"): [510],
}


def test_the_same_particle_of_two_users_is_one(read: ReadTruth) -> None:
    truth = read(SAME_RUN, user_id=["alice", "bob"], merge_within=0.5)
    assert truth[["particle_type", "x"]].to_numpy().tolist() == [
        ["ball", 20],
        ["ball", 500],
        ["ball", 900],
        ["cube", 510],  # types are never merged
    ]
    assert len(read(SAME_RUN, merge_within=0.4)) == 5


def test_sets_that_nobody_asked_to_merge_are_refused_with_both_ways_out(read: ReadTruth) -> None:
    with pytest.raises(
        InputError,
        match=r"run R1: has several sets of ball picks \(user/session alice/1, bob/1\); say which "
        r"one counts by truth.user_id and truth.session_id, or set truth.merge_within",
    ):
        read(SAME_RUN, user_id=["alice", "bob"])


def test_picks_of_our_own_count_only_if_they_are_asked_for(read: ReadTruth) -> None:
    sets = {("R1", "tomosieve", "0", "ball"): [10], ("R1", "alice", "1", "ball"): [900]}
    assert read(sets)["x"].tolist() == [900]
    asked = read(sets, user_id=["tomosieve", "alice"], merge_within=0.5)
    assert asked["x"].tolist() == [900, 10]
