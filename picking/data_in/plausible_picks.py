"""Whether picks are where particles are: dark places of their tomograms, on average."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from picking.data_in.tomogram_size import TomogramSize
from picking.files.tables import POSITION_COLUMNS

# With fewer picks chance decides.
LEAST_PICKS = 10
# Standard errors by which the mean grey value at picks is below that of the tomogram. Some 20 picks
# of the sample and synthetic runs have -12 to -18 at 40 Å a voxel, where noise is averaged.
LIKELY_DARK, HARDLY_DARK = -5.0, -2.0
# Picks that all lie in so small a share of every axis are hardly in Å.
CORNER = 0.2
# Share of the picks that another reading has to bring inside the tomogram.
MOSTLY_INSIDE = 0.95
# Runs that one warning names.
RUNS_LISTED = 5

# Mistakes by which picks get to the wrong places, and how the right places follow from them.
Reading = Callable[[NDArray[np.float64], TomogramSize], NDArray[np.float64]]
READINGS: dict[str, Reading] = {
    "they were given in voxels, not in Å": lambda xyz, size: xyz * size.voxel_size_xyz_angstrom,
    "x and z are swapped": lambda xyz, size: xyz[:, ::-1],
    "y and z are swapped": lambda xyz, size: xyz[:, [0, 2, 1]],
    "x and y are swapped": lambda xyz, size: xyz[:, [1, 0, 2]],
    "their pixels were twice as large as taken": lambda xyz, size: xyz * 2,
    "their pixels were half as large as taken": lambda xyz, size: xyz / 2,
    "they are measured from the tomogram's centre": lambda xyz, size: (
        xyz + size.extent_xyz_angstrom / 2
    ),
    "z runs the other way": lambda xyz, size: _mirrored(xyz, size, axis=2),
    "y runs the other way": lambda xyz, size: _mirrored(xyz, size, axis=1),
    "x runs the other way": lambda xyz, size: _mirrored(xyz, size, axis=0),
}


def _mirrored(
    xyz_angstrom: NDArray[np.float64], size: TomogramSize, axis: int
) -> NDArray[np.float64]:
    mirrored = xyz_angstrom.copy()
    mirrored[:, axis] = size.extent_xyz_angstrom[axis] - mirrored[:, axis]
    return mirrored


def darkness(xyz_angstrom: NDArray[np.float64], size: TomogramSize) -> float:
    """Measure how dark places are.

    Parameters
    ----------
    xyz_angstrom : ndarray, (n, 3), float64
        Places, Å; those outside the tomogram do not count.
    size : TomogramSize
        Holds the tomogram's values from afar.

    Returns
    -------
    float
        Mean grey value at the places less that of the tomogram, in standard errors; NaN if fewer
        than LEAST_PICKS are inside.
    """
    values_zyx = size.coarse_zyx
    share = xyz_angstrom / np.maximum(size.extent_xyz_angstrom, 1.0)
    inside = share[((share >= 0) & (share <= 1)).all(axis=1)]
    spread = float(values_zyx.std())
    if len(inside) < LEAST_PICKS or spread == 0:
        return float("nan")
    last_zyx = np.array(values_zyx.shape) - 1
    indices = np.rint(inside[:, ::-1] * last_zyx).astype(np.int64)
    at_places = values_zyx[tuple(indices.T)]
    return float((at_places.mean() - values_zyx.mean()) / spread * np.sqrt(len(inside)))


def doubtful_picks(truth: pd.DataFrame, sizes: Mapping[str, TomogramSize]) -> list[str]:
    """Find runs whose picks are plainly in the wrong places, and say the likely cause.

    Silence proves nothing: in noisy tomograms particles are hardly darker than the rest.

    Parameters
    ----------
    truth : DataFrame
        Table ``picking.files.tables.TRUTH``.
    sizes : mapping of str to TomogramSize
        By run.

    Returns
    -------
    list of str
        Warnings, one for each cause.
    """
    runs_of: dict[str, list[str]] = {}
    enough = len(truth) >= LEAST_PICKS
    for run, picks in truth.groupby("run"):
        xyz = picks[POSITION_COLUMNS].to_numpy(np.float64)
        cause = _cause(xyz, sizes[str(run)]) if enough else None
        if cause is not None:
            runs_of.setdefault(cause, []).append(str(run))
    return [f"the picks of {_listed(runs)} {cause}" for cause, runs in runs_of.items()]


def _cause(xyz_angstrom: NDArray[np.float64], size: TomogramSize) -> str | None:
    """Say what is wrong with a run's picks; None if nothing plainly is."""
    if (xyz_angstrom.max(axis=0) < CORNER * size.extent_xyz_angstrom).all():
        return "fill a corner of the tomogram: are they in voxels, or of another voxel size?"
    as_given = darkness(xyz_angstrom, size)
    if np.isnan(as_given) or as_given < HARDLY_DARK:
        return None
    dark = {}
    for cause, reading in READINGS.items():
        read = reading(xyz_angstrom, size)
        share = ((read >= 0) & (read <= size.extent_xyz_angstrom)).all(axis=1).mean()
        if share >= MOSTLY_INSIDE:
            dark[cause] = darkness(read, size)
    darkest = min(dark, key=lambda cause: dark[cause], default=None)
    if darkest is not None and dark[darkest] < LIKELY_DARK:
        return f"are not where the tomogram is dark; they would be if {darkest}"
    if as_given > -LIKELY_DARK:
        return "are where the tomogram is bright; particles have to be dark: invert the grey values"
    return None


def _listed(runs: Sequence[str]) -> str:
    more = len(runs) - RUNS_LISTED
    return ", ".join(runs[:RUNS_LISTED]) + (f" and {more} more" if more > 0 else "")
