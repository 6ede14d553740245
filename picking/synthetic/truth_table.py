"""The truth of synthetic runs as a table: experiment,particle_type,x,y,z (positions in Å)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from picking.synthetic.kaggle_writer import POSITION_DECIMALS
from picking.synthetic.molecules import FloatArray

TRUTH_COLUMNS = ("experiment", "particle_type", "x", "y", "z")


def truth_table(run: str, truth: Mapping[str, FloatArray]) -> pd.DataFrame:
    """Table of one run's truth, from positions (n, 3) xyz Å by particle type."""
    rows = [
        (run, particle_type, *(round(float(value), POSITION_DECIMALS) for value in position))
        for particle_type, positions in truth.items()
        for position in positions
    ]
    return pd.DataFrame(rows, columns=list(TRUTH_COLUMNS))


def write_truth(path: Path, table: pd.DataFrame) -> None:
    """Write a truth table as CSV."""
    table.to_csv(path, index=False, lineterminator="\n")


def merge_truth(paths: Sequence[Path]) -> pd.DataFrame:
    """Join the truth tables of several runs, ordered by run and particle type."""
    tables = [pd.read_csv(path, dtype={"experiment": str}) for path in paths]
    merged = pd.concat(tables, ignore_index=True) if tables else truth_table("", {})
    return merged.sort_values(["experiment", "particle_type"], kind="stable", ignore_index=True)
