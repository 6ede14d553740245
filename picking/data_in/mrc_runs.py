"""Runs of tomograms in MRC files: which of them have picks, and which picks those are.

The Snakefile calls this at parse time: headers and picks files are read, no voxel.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from picking.config import PipelineConfig
from picking.data_in.mrc_tomograms import bare_name, listed, mrc_tomograms, voxel_size_of
from picking.data_in.picks_tables import (
    PicksTable,
    picks_files,
    positions_xyz_angstrom,
    read_picks_table,
)
from picking.data_in.tomogram_names import check_unique, runs_of_names
from picking.errors import InputError
from picking.files.mrc_file import MrcHeader
from picking.files.tables import TRUTH


@dataclass(frozen=True)
class MrcRuns:
    """Tomograms in MRC files with the picks of them.

    Parameters
    ----------
    tomograms : mapping of str to Path
        MRC files by run, those that are left out included.
    tables : tuple of PicksTable
        The picks files.
    run_of : tuple of mapping of str to str
        For each table the run of each tomogram's name, but for those that are left out.
    """

    tomograms: Mapping[str, Path]
    tables: tuple[PicksTable, ...]
    run_of: tuple[Mapping[str, str], ...]

    @property
    def picked(self) -> Counter[str]:
        """Number of picks of each run that has some, of types that are looked for."""
        number: Counter[str] = Counter()
        for table, run_of in zip(self.tables, self.run_of, strict=True):
            runs = table.tomograms[table.types != ""].map(dict(run_of)).dropna()
            number.update(runs.tolist())
        return number

    @property
    def left_alone(self) -> int:
        """Number of picks of types that are not looked for."""
        return sum(int((table.types == "").sum()) for table in self.tables)

    @property
    def named(self) -> set[str]:
        """What the picks files call tomograms, without folders and endings."""
        return {bare_name(name) for table in self.tables for name in table.tomograms.unique()}

    def matched_otherwise(self) -> dict[str, str]:
        """Names in picks files that are not those of their runs, with these."""
        return {
            bare_name(name): run
            for run_of in self.run_of
            for name, run in run_of.items()
            if name and bare_name(name) != run
        }

    def truth(
        self, config: PipelineConfig, runs: Sequence[str], headers: Mapping[str, MrcHeader]
    ) -> pd.DataFrame:
        """Make the table of the picks of some runs.

        Parameters
        ----------
        config : PipelineConfig
            Resolved.
        runs : sequence of str
            The runs.
        headers : mapping of str to MrcHeader
            Headers of their tomograms.

        Returns
        -------
        DataFrame
            Table ``picking.files.tables.TRUTH``, by run, then type.
        """
        parts = []
        for table, run_of in zip(self.tables, self.run_of, strict=True):
            run_of_row = table.tomograms.map(dict(run_of))
            for run in runs:
                chosen = ((run_of_row == run) & (table.types != "")).to_numpy(bool)
                if not chosen.any():
                    continue
                header = headers[run]
                positions = positions_xyz_angstrom(
                    table,
                    chosen,
                    header.shape_zyx,
                    voxel_size_of(header, config.voxel_spacing),
                    config.mrc.picks_pixel_size,
                )
                x, y, z = positions.T
                types = table.types[chosen].to_numpy()
                parts.append(
                    pd.DataFrame({"run": run, "particle_type": types, "x": x, "y": y, "z": z})
                )
        if not parts:
            return TRUTH.empty()
        whole = pd.concat(parts, ignore_index=True)
        order = {item.name: place for place, item in enumerate(config.known_particles)}
        places = np.lexsort([whole["particle_type"].map(order), whole["run"]])
        return TRUTH.check(whole.iloc[places].reset_index(drop=True), "picks")


def read_mrc_runs(config: PipelineConfig) -> MrcRuns:
    """List tomograms in MRC files, and read the picks of them.

    Parameters
    ----------
    config : PipelineConfig
        Resolved, with ``tomograms``; without ``picks`` there are none.

    Raises
    ------
    InputError
        If a picks file is damaged, or names a tomogram that is not there.
    """
    tomograms = mrc_tomograms(config)
    tables = tuple(
        read_picks_table(path, particle_type, config)
        for path, particle_type in picks_files(config).items()
    )
    run_of = []
    for table in tables:
        names = list(table.tomograms.unique())
        if names == [""]:  # the file names none
            if len(tomograms) != 1:
                raise InputError(
                    table.path,
                    f"does not say which of {len(tomograms)} tomograms its picks are of",
                    "add a column rlnTomoName, or for a Dynamo table the numbers of the tomograms",
                )
            run_of.append({"": next(iter(tomograms))})
            continue
        run_of.append(runs_of_names(names, tomograms, config.leave_out, table.path))
    named = [pair for of_table in run_of for pair in of_table.items() if pair[0]]
    check_unique(named, listed(str(table.path) for table in tables))
    return MrcRuns(tomograms, tables, tuple(run_of))
