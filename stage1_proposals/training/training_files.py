"""What a training leaves beside its weights, by name."""

import csv
from pathlib import Path

from picking.files.whole_files import whole_path
from stage1_proposals.training.optimisation import Curve

CHECKPOINT_NAME, RECORD_NAME, CURVE_NAME = "checkpoint.pt", "training.json", "training_curve.csv"


def write_curve(path: Path, curve: Curve) -> None:
    """Write a training curve as CSV, whole or not at all."""
    with whole_path(path) as unfinished, unfinished.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("step", "loss", "learning_rate"))
        writer.writerows(curve)
