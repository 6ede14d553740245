"""Picks as RELION's particle sets: one table of particles for each type, all tomograms together.

RELION 5 reads the centred coordinates and drops ``rlnCoordinate`` (``ParticleSet::write``); RELION
4 and many other programs read ``rlnCoordinate``. There is no optics table: RELION makes one from
its tomograms.star where a particle set has none (``ParticleSet::read``), and the voltage, the
spherical aberration and the amplitude contrast that one has to hold are known to nobody here.
"""

from collections.abc import Mapping

import numpy as np
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
    positions = picks[POSITION_COLUMNS].to_numpy("float64")  # (n, 3) xyz Å
    voxels, centred = np.zeros_like(positions), np.zeros_like(positions)  # (n, 3) xyz
    for run, rows in picks.groupby("run").indices.items():
        box = boxes[str(run)]
        pixel = settings.tilt_series_pixel_size
        voxel_size_zyx = box.voxel_size_zyx_angstrom if pixel is None else (pixel,) * 3
        voxels[rows] = angstrom_xyz_to_voxels_xyz(positions[rows], voxel_size_zyx)
        centred[rows] = centred_xyz_angstrom(
            positions[rows], box.shape_zyx, box.voxel_size_zyx_angstrom
        )
    names = {run: settings.relion_name.replace(RUN_PLACEHOLDER, run) for run in boxes}
    particles = pd.DataFrame({TOMOGRAM: picks["run"].map(names)}, index=picks.index)
    particles[VOXELS] = voxels
    particles[CENTRED] = centred
    particles[FIGURE_OF_MERIT] = picks["score"]
    return particles


def star_text(particles: pd.DataFrame) -> str:
    """Write the table of :func:`relion_particles` as a STAR file."""
    text: str = starfile.to_string({BLOCK: particles})
    # The first line says when it was written: the same picks make the same file.
    return text.partition("\n")[2].lstrip("\n")
