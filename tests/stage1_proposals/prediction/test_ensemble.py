from pathlib import Path

from picking.scoring.folds import Folds
from stage1_proposals.prediction.ensemble import weights_for_run

FOLDS = Folds((("a", "b"), ("c",)))


def test_a_training_run_is_seen_by_the_members_of_its_fold_alone() -> None:
    weights = weights_for_run("c", Path("stage1"), ["m0", "m1"], FOLDS)
    assert weights == [
        Path("stage1/m0/fold1/weights.safetensors"),
        Path("stage1/m1/fold1/weights.safetensors"),
    ]


def test_a_test_run_is_seen_by_all() -> None:
    assert len(weights_for_run("x", Path("stage1"), ["m0", "m1"], FOLDS)) == 4
