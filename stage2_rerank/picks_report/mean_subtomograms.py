"""Mean subtomograms of picks: particles add up, and what is none averages to nothing."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from picking.coordinates import angstrom_xyz_to_indices_zyx
from picking.files.tables import POSITION_COLUMNS
from picking.files.tomogram import Tomogram
from picking.particle_grid import EXTENT_RADII, SURROUND_FROM_RADII
from stage2_rerank.picks_report.content import MeanFigures
from stage2_rerank.report.pictures.drawing import half_width_angstrom

THIRDS = ("most certain third", "middle third", "least certain third")
ALL_PICKS = "all picks"
# A mean of fewer shows their noise.
LEAST_IN_THIRD = 3
# More picks make a mean no clearer to the eye, but they take their time.
MOST_AVERAGED = 100
# Points along a cube: as fine as voxels up to a radius of 150 Å at 10 Å, coarser beyond.
MOST_POINTS = 61


def by_thirds(picks: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Part the picks of one type by their probability.

    Parameters
    ----------
    picks : DataFrame
        Table PICKS, one type.

    Returns
    -------
    dict of str to DataFrame
        Picks by falling probability, at most MOST_AVERAGED of each third, spread over it evenly;
        all together if there are too few for thirds.
    """
    falling = picks.sort_values("score", ascending=False, kind="stable", ignore_index=True)
    if falling.empty:
        return {}
    if len(falling) < LEAST_IN_THIRD * len(THIRDS):
        return {ALL_PICKS: falling}
    bounds = np.linspace(0, len(falling), len(THIRDS) + 1).round().astype(int)
    thirds = {}
    for name, begin, end in zip(THIRDS, bounds[:-1], bounds[1:], strict=True):
        rows = np.linspace(begin, end - 1, min(end - begin, MOST_AVERAGED)).round().astype(int)
        thirds[name] = falling.iloc[rows].reset_index(drop=True)
    return thirds


@dataclass(frozen=True)
class CubeGrid:
    """Points of a cube around a particle.

    Parameters
    ----------
    offsets_angstrom : ndarray, (S,), float64
        Along each axis, S odd.
    body, surround : ndarray, (S, S, S), bool
        Points within the radius, and those around the particle.
    """

    offsets_angstrom: NDArray[np.float64]
    body: NDArray[np.bool_]
    surround: NDArray[np.bool_]

    @classmethod
    def of_radius(cls, radius_angstrom: float, voxel_spacing: float) -> "CubeGrid":
        """Reach as far as the pictures of single particles, in steps of a voxel or coarser."""
        reach = half_width_angstrom(radius_angstrom)
        steps = int(np.clip(reach / voxel_spacing, 2, MOST_POINTS // 2))
        offsets = np.linspace(-reach, reach, 2 * steps + 1)
        squares = offsets**2
        distance = np.sqrt(squares[:, None, None] + squares[:, None] + squares)
        return cls(
            offsets,
            distance <= radius_angstrom,
            (distance > SURROUND_FROM_RADII * radius_angstrom)
            & (distance <= EXTENT_RADII * radius_angstrom),
        )

    def cut(
        self, tomogram: Tomogram, position_xyz_angstrom: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Sample a tomogram, mirrored at its border, around a position: (S, S, S), trilinear."""
        voxel_size = tomogram.voxel_size_zyx_angstrom
        (centre_zyx,) = angstrom_xyz_to_indices_zyx(position_xyz_angstrom, voxel_size)
        axes = [
            centre + self.offsets_angstrom / size
            for centre, size in zip(centre_zyx, voxel_size, strict=True)
        ]
        cube = ndimage.map_coordinates(
            tomogram.values_zyx,
            np.stack(np.meshgrid(*axes, indexing="ij")),
            output=np.float32,
            order=1,
            mode="mirror",
        )
        return np.asarray(cube)


@dataclass
class MeanSubtomogram:
    """A mean that takes one tomogram after the other.

    Parameters
    ----------
    grid : CubeGrid
        Points of its cube.
    """

    grid: CubeGrid
    _sum: NDArray[np.float64] = field(init=False)
    _contrasts: list[float] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._sum = np.zeros(self.grid.body.shape)

    def add(self, tomogram: Tomogram, picks: pd.DataFrame) -> None:
        """Add the picks (table PICKS) of a normalised tomogram."""
        for position in picks[POSITION_COLUMNS].to_numpy(np.float64):
            cube = self.grid.cut(tomogram, position)
            self._sum += cube
            around, within = cube[self.grid.surround].mean(), cube[self.grid.body].mean()
            self._contrasts.append(float(around - within))

    @property
    def mean_zyx(self) -> NDArray[np.float64]:
        """Mean cube, (S, S, S), float64."""
        return self._sum / max(len(self._contrasts), 1)

    def figures(self, label: str, picks: pd.DataFrame) -> MeanFigures:
        """Say in numbers what the mean of these picks shows."""
        number = len(self._contrasts)
        error = np.std(self._contrasts, ddof=1) / np.sqrt(number) if number > 1 else None
        return MeanFigures(
            label=label,
            picks=number,
            probability=(float(picks["score"].min()), float(picks["score"].max())),
            contrast=float(np.mean(self._contrasts)),
            standard_error=None if error is None else float(error),
        )
