import pytest
import torch

from stage1_proposals.flips_and_rotations import ALL_FLIP_ROTATIONS, FLIPS_IN_PLACE, FlipRotation

VOLUME = torch.arange(3 * 4 * 5).reshape(1, 3, 4, 5)


@pytest.mark.parametrize("turn", ALL_FLIP_ROTATIONS)
def test_undo_brings_back(turn: FlipRotation) -> None:
    assert torch.equal(turn.undo(turn.apply(VOLUME)), VOLUME)


def test_turns_differ_and_start_with_none() -> None:
    cube = torch.arange(27).reshape(1, 3, 3, 3)
    assert len({tuple(turn.apply(cube).flatten().tolist()) for turn in ALL_FLIP_ROTATIONS}) == 16
    assert torch.equal(ALL_FLIP_ROTATIONS[0].apply(cube), cube)


def test_turns_in_place_keep_the_sides() -> None:
    assert all(turn.apply(VOLUME).shape == VOLUME.shape for turn in FLIPS_IN_PLACE)
