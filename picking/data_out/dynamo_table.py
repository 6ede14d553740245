"""Picks as Dynamo's tables, and the table map that says which tomogram a number stands for.

https://wiki.dynamo.biozentrum.unibas.ch/w/index.php/Table_convention
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from picking.config import PicksSettings
from picking.config.picks import RUN_PLACEHOLDER
from picking.coordinates import angstrom_xyz_to_voxels_xyz
from picking.errors import InputError
from picking.files.tables import POSITION_COLUMNS
from picking.files.tomogram_box import TomogramBox

COLUMNS = 42
# Columns that are not 0, counted from 1 as the convention does.
TAG, ALIGNED, AVERAGED, SCORE, TOMOGRAM, PIXEL_SIZE = 1, 2, 3, 10, 20, 36
POSITION = (24, 25, 26)


def dynamo_table(picks: pd.DataFrame, boxes: Mapping[str, TomogramBox]) -> pd.DataFrame:
    """Make Dynamo's columns of picks.

    Parameters
    ----------
    picks : DataFrame
        Rows of the table ``picking.files.tables.PICKS``, with their index in it.
    boxes : mapping of str to TomogramBox
        By run; their order numbers the tomograms.

    Returns
    -------
    DataFrame
        A row for each pick, in the same order and with the same index; columns 1 to 42. A tag is
        one more than the index, so that tags stay unique if tables of several types are joined.
        Positions are in voxels of the tomogram, from 0, as other converters have them. The tilt
        range (13 to 17) and the angles (7 to 9) are 0, unknown.
    """
    table = pd.DataFrame(0, index=picks.index, columns=range(1, COLUMNS + 1))
    table[TAG] = picks.index + 1
    table[[ALIGNED, AVERAGED]] = 1
    table[SCORE] = picks["score"]
    numbers = {run: number for number, run in enumerate(boxes, start=1)}
    table[TOMOGRAM] = picks["run"].map(numbers).astype("int64")
    positions = picks[POSITION_COLUMNS].to_numpy("float64")  # (n, 3) xyz Å
    voxels = np.zeros_like(positions)  # (n, 3) xyz
    pixel_sizes = np.zeros(len(picks))
    for run, rows in picks.groupby("run").indices.items():
        box = boxes[str(run)]
        voxels[rows] = angstrom_xyz_to_voxels_xyz(positions[rows], box.voxel_size_zyx_angstrom)
        pixel_sizes[rows] = box.voxel_size_zyx_angstrom.mean()
    table[list(POSITION)] = voxels
    table[PIXEL_SIZE] = pixel_sizes
    return table


def table_text(table: pd.DataFrame) -> str:
    """Write rows of :func:`dynamo_table` as a ``.tbl`` file."""
    text: str = table.to_csv(sep=" ", header=False, index=False, float_format="%.6f")
    return text


def table_map_text(runs: Sequence[str], settings: PicksSettings) -> str:
    """Write the ``.doc`` file of the tomograms' numbers.

    Parameters
    ----------
    runs : sequence of str
        Runs in the order of their numbers.
    settings : PicksSettings
        ``dynamo_file``.

    Raises
    ------
    InputError
        If the name of a run holds a space, at which Dynamo ends the name of a file.
    """
    for run in runs:
        if any(letter.isspace() for letter in run):
            raise InputError(
                f"run {run!r}",
                "has a space in its name, at which Dynamo ends the name of a file",
                "rename the run, or write the picks for RELION",
            )
    return "".join(
        f"{number} {settings.dynamo_file.replace(RUN_PLACEHOLDER, run)}\n"
        for number, run in enumerate(runs, start=1)
    )
