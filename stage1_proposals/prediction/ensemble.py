"""The ensemble: where each member's weights stand, and which members may look at a run."""

from collections.abc import Sequence
from pathlib import Path

from picking.scoring.folds import Folds


def member_weights(stage1: Path, member: str, fold: int) -> Path:
    """Weights file of a member trained on all folds but ``fold``."""
    return stage1 / member / f"fold{fold}" / "weights.safetensors"


def weights_for_run(run: str, stage1: Path, members: Sequence[str], folds: Folds) -> list[Path]:
    """Weights of every member that never saw the run.

    Parameters
    ----------
    run : str
        Name of the run.
    stage1 : Path
        Folder ``stage1`` of the results.
    members : sequence of str
        Names of the ensemble's members.
    folds : Folds
        Which training run is judged in which fold.

    Returns
    -------
    list of Path
        For a training run the members of the fold that judges it; for any other run all.
    """
    is_training_run = any(run in judged for judged in folds.folds)
    seen_by_none = [folds.fold_of(run)] if is_training_run else range(folds.number)
    return [member_weights(stage1, member, fold) for fold in seen_by_none for member in members]
