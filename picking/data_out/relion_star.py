"""Picks as RELION's particle sets: one table of particles for each type, all tomograms together.

RELION 5 reads the centred coordinates and drops ``rlnCoordinate`` (``ParticleSet::write``); RELION
4 and many other programs read ``rlnCoordinate``. There is no optics table: RELION makes one from
its tomograms.star where a particle set has none (``ParticleSet::read``), and the voltage, the
spherical aberration and the amplitude contrast that one has to hold are known to nobody here.
"""

from collections.abc import Mapping

import pandas as pd
import starfile

from picking.config import PicksSettings
from picking.config.picks import RUN_PLACEHOLDER
from picking.coordinates import angstrom_xyz_to_voxels_xyz, centred_xyz_angstrom
from picking.files.tables import POSITION_COLUMNS
from picking.files.tomogram_box import TomogramBox

# RELION finds the table by this name.
BLOCK = "particles"
TOMOGRAM = "rlnTomoName"
VOXELS = ["rlnCoordinateX", "rlnCoordinateY", "rlnCoordinateZ"]
CENTRED = [
    "rlnCenteredCoordinateXAngst",
    "rlnCenteredCoordinateYAngst",
    "rlnCenteredCoordinateZAngst",
]
FIGURE_OF_MERIT = "rlnAutopickFigureOfMerit"
COLUMNS = [TOMOGRAM, *VOXELS, *CENTRED, FIGURE_OF_MERIT]


def relion_particles(
    picks: pd.DataFrame, boxes: Mapping[str, TomogramBox], settings: PicksSettings
) -> pd.DataFrame:
    """Make RELION's columns of picks.

    Parameters
    ----------
    picks : DataFrame
        Rows of the table ``picking.files.tables.PICKS``.
    boxes : mapping of str to TomogramBox
        By run.
    settings : PicksSettings
        ``relion_name`` and ``tilt_series_pixel_size``.

    Returns
    -------
    DataFrame
        A row for each pick, in the same order and with the same index: COLUMNS. ``VOXELS`` count
        from 0, ``CENTRED`` are in Å, ``FIGURE_OF_MERIT`` is the probability.
    """
    parts = [pd.DataFrame(columns=COLUMNS).astype(dict.fromkeys(COLUMNS[1:], "float64"))]
    for run, of_run in picks.groupby("run", sort=False):
        box = boxes[str(run)]
        positions = of_run[POSITION_COLUMNS].to_numpy("float64")  # (n, 3) xyz Å
        pixel = settings.tilt_series_pixel_size
        voxel_size_zyx = box.voxel_size_zyx_angstrom if pixel is None else (pixel,) * 3
        part = pd.DataFrame(index=of_run.index)
        part[TOMOGRAM] = settings.relion_name.replace(RUN_PLACEHOLDER, str(run))
        part[VOXELS] = angstrom_xyz_to_voxels_xyz(positions, voxel_size_zyx)
        part[CENTRED] = centred_xyz_angstrom(positions, box.shape_zyx, box.voxel_size_zyx_angstrom)
        part[FIGURE_OF_MERIT] = of_run["score"]
        parts.append(part)
    return pd.concat(parts).loc[picks.index]


def star_text(particles: pd.DataFrame) -> str:
    """Write the table of :func:`relion_particles` as a STAR file."""
    text: str = starfile.to_string({BLOCK: particles})
    # The first line says when it was written: the same picks make the same file.
    return text.partition("\n")[2].lstrip("\n")
