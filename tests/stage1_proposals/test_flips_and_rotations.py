import pytest
import torch

from stage1_proposals.flips_and_rotations import ALL_TURNS, TURNS_IN_PLACE, Turn

VOLUME = torch.arange(3 * 4 * 5).reshape(1, 3, 4, 5)


@pytest.mark.parametrize("turn", ALL_TURNS)
def test_undo_brings_back(turn: Turn) -> None:
    assert torch.equal(turn.undo(turn.apply(VOLUME)), VOLUME)


def test_turns_differ_and_start_with_none() -> None:
    cube = torch.arange(27).reshape(1, 3, 3, 3)
    assert len({tuple(turn.apply(cube).flatten().tolist()) for turn in ALL_TURNS}) == 16
    assert torch.equal(ALL_TURNS[0].apply(cube), cube)


def test_turns_in_place_keep_the_sides() -> None:
    assert all(turn.apply(VOLUME).shape == VOLUME.shape for turn in TURNS_IN_PLACE)
