"""The truth of training runs as it is imported: checked against their tomograms, then written."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from picking.data_in.import_masks import picks_inside
from picking.data_in.plausible_picks import doubtful_picks
from picking.data_in.tomogram_size import TomogramSize
from picking.errors import InputError
from picking.files.picks_density import PicksDensity
from picking.files.tables import POSITION_COLUMNS, TRUTH

# A pick may lie this far outside the tomogram, Å: a particle cut by the border, about one radius.
OUTSIDE_ANGSTROM = 150.0


@dataclass(frozen=True)
class PickedFiles:
    """Files that the import of training runs writes about their picks.

    Parameters
    ----------
    truth : Path
        Table ``picking.files.tables.TRUTH``.
    density : Path
        How many picks each run holds (:class:`picking.files.picks_density.PicksDensity`).
    """

    truth: Path
    density: Path

    def write(
        self,
        table: pd.DataFrame,
        sizes: Mapping[str, TomogramSize],
        where: object,
        overlay: Path,
        voxel_spacing: float,
        *,
        is_told: bool = False,
    ) -> None:
        """Check the picks of all runs, and write both files of those that the masks leave.

        Parameters
        ----------
        table : DataFrame
            Table ``picking.files.tables.TRUTH``.
        sizes : mapping of str to TomogramSize
            Tomograms by run.
        where : object
            What the picks are from, for messages.
        overlay : Path
            Folder with the runs' masks, if they have any.
        voxel_spacing : float
            copick's voxel spacing, Å.
        is_told : bool
            Whether doubts about the picks have been told already.
        """
        _check_truth(table, sizes, where)
        for warning in () if is_told else doubtful_picks(table, sizes):
            print(f"warning: {where}: {warning}", file=sys.stderr)
        counting, shares = picks_inside(table, list(sizes), overlay, voxel_spacing, where)
        volumes = {run: size.volume_cubic_angstrom * shares[run] for run, size in sizes.items()}
        PicksDensity.of_truth(counting, volumes).write(self.density)
        TRUTH.write(counting, self.truth)


def _check_truth(table: pd.DataFrame, sizes: Mapping[str, TomogramSize], where: object) -> None:
    if table.empty:
        raise InputError(
            where, "the training runs hold no picks at all", "add picks: there is nothing to learn"
        )
    for run, picks in table.groupby("run"):
        extent = sizes[str(run)].extent_xyz_angstrom
        positions = picks[POSITION_COLUMNS].to_numpy()
        outside = (positions < -OUTSIDE_ANGSTROM) | (positions > extent + OUTSIDE_ANGSTROM)
        if outside.any():
            first = picks[outside.any(axis=1)].iloc[0]
            raise InputError(
                where,
                f"run {run} has {int(outside.any(axis=1).sum())} pick(s) outside its tomogram of "
                f"{' x '.join(f'{side:.0f}' for side in extent)} Å (x, y, z), the first of them "
                f"{first['particle_type']} at ({first['x']}, {first['y']}, {first['z']})",
                "positions are x, y, z in Å: check unit and axes",
            )
    repeated = table.duplicated(subset=["run", *POSITION_COLUMNS])
    if repeated.any():
        first = table[repeated].iloc[0]
        raise InputError(
            where,
            f"run {first['run']} has two picks at ({first['x']}, {first['y']}, {first['z']}), "
            f"one of them {first['particle_type']}",
            "keep one: the metric refuses a repeated position",
        )
