"""The final picks, with the boxes of the tomograms that they are in."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from picking.config import PipelineConfig
from picking.errors import InputError
from picking.files.tables import PICKS
from picking.files.tomogram import tomogram_boxes
from picking.files.tomogram_box import TomogramBox


@dataclass(frozen=True)
class PickedTomograms:
    """The final picks and where they are.

    Parameters
    ----------
    picks : DataFrame
        Table ``picking.files.tables.PICKS``.
    boxes : mapping of str to TomogramBox
        By run, sorted; those with picks.
    """

    picks: pd.DataFrame
    boxes: Mapping[str, TomogramBox]

    def of_type(self, particle_type: str) -> pd.DataFrame:
        """Give the picks of a type; they keep their index in the table."""
        return self.picks[self.picks["particle_type"] == particle_type]


def read_picked_tomograms(
    config: PipelineConfig, picks_table: Path, copick_config: Path
) -> PickedTomograms:
    """Read a table of picks, and from the metadata of the tomograms their boxes.

    Parameters
    ----------
    config : PipelineConfig
        Resolved.
    picks_table : Path
        CSV or Parquet file, table ``picking.files.tables.PICKS``.
    copick_config : Path
        copick configuration of the project that holds the tomograms.

    Returns
    -------
    PickedTomograms

    Raises
    ------
    InputError
        If the table is damaged or names a type that is not configured, or a tomogram is missing.
    """
    picks = PICKS.read(picks_table)
    unknown = sorted(set(picks["particle_type"]) - {item.name for item in config.known_particles})
    if unknown:
        raise InputError(
            picks_table,
            f"has picks of {', '.join(unknown)}, which the configuration does not know",
            "give the table and the settings of one result",
        )
    boxes = tomogram_boxes(
        copick_config, sorted(set(picks["run"])), config.tomo_type, config.voxel_spacing
    )
    return PickedTomograms(picks, boxes)
