"""Small data in MRC and STAR files, as users have them: dark blobs in noise, and picks of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import pandas as pd
import starfile
from numpy.typing import NDArray
from scipy import ndimage

VOXEL_ANGSTROM = 10.0
# Pixel of the tilt series, Å: the tomograms are binned by 8.
TILT_PIXEL_ANGSTROM = 1.25
SHAPE_ZYX = (24, 48, 60)
PICKED = ("TS_1", "TS_2")
UNPICKED = "TS_3"
PICKS = 20
PARTICLES = [{"name": "ball", "radius_angstrom": 60}]


def write_mrc(path: Path, values_zyx: NDArray[Any], voxel_angstrom: float = 10.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(values_zyx)
        file.voxel_size = voxel_angstrom
    return path


def blobs(seed: int, sign: float = 1.0) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Values, and the places of dark blobs, (n, 3) xyz voxels."""
    rng = np.random.default_rng(seed)
    places_zyx = rng.uniform(0.1, 0.9, (PICKS, 3)) * SHAPE_ZYX
    mass = np.zeros(SHAPE_ZYX)
    mass[tuple(np.rint(places_zyx).astype(int).T)] = 1
    dark = ndimage.gaussian_filter(mass, 2.0)
    values = rng.normal(0, 1, SHAPE_ZYX) - 4 * dark / dark.max()
    return (sign * values).astype(np.float32), places_zyx[:, ::-1]


@dataclass(frozen=True)
class MrcData:
    folder: Path
    star: Path
    # By run, (n, 3) xyz Å.
    positions: dict[str, NDArray[np.float64]]

    @property
    def content(self) -> dict[str, Any]:
        """A configuration that names the data."""
        return {
            "tomograms": str(self.folder),
            "picks": str(self.star),
            "particles": PARTICLES,
            "name": "mine",
        }


def write_mrc_data(root: Path, sign: float = 1.0, voxel_angstrom: float = 10.0) -> MrcData:
    """Two picked runs, one without picks; RELION 4's coordinates in pixels of the tilt series."""
    positions, rows = {}, []
    for seed, run in enumerate((*PICKED, UNPICKED)):
        values, places = blobs(seed, sign)
        write_mrc(root / "tomograms" / f"{run}.mrc", values, voxel_angstrom)
        if run != UNPICKED:
            positions[run] = places * VOXEL_ANGSTROM
            rows += [(run, *place) for place in positions[run] / TILT_PIXEL_ANGSTROM]
    star = root / "picks.star"
    write_star(star, pd.DataFrame(rows, columns=["rlnTomoName", *"XYZ"]))
    return MrcData(root / "tomograms", star, positions)


def write_star(path: Path, rows: pd.DataFrame) -> None:
    """Write picks, with x, y, z in columns X, Y, Z, as RELION 4 does."""
    named = rows.rename(columns={axis: f"rlnCoordinate{axis}" for axis in "XYZ"})
    optics = pd.DataFrame(
        {
            "rlnOpticsGroup": [1],
            "rlnTomoTiltSeriesPixelSize": [TILT_PIXEL_ANGSTROM],
            # Subtomograms that were binned while they were extracted.
            "rlnImagePixelSize": [4 * TILT_PIXEL_ANGSTROM],
        }
    )
    particles = named.assign(rlnOpticsGroup=1)
    starfile.write({"optics": optics, "particles": particles}, path, overwrite=True)
