"""One specimen of the pretraining on disk: two tomograms of the same ice, and what lies where."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from picking.errors import InputError
from picking.files.whole_files import whole_path


@dataclass(frozen=True)
class PretrainingSpecimen:
    """Two reconstructions of a specimen, and its particles."""

    tomograms_zyx: NDArray[np.float16]  # (2, Z, Y, X), normalised
    positions_xyz_angstrom: NDArray[np.float64]  # (n, 3)
    molecules: NDArray[np.int64]  # (n,) number of the molecule: the species, then the procedural
    radii_angstrom: NDArray[np.float64]  # (n,) of the outermost bead
    voxel_size_angstrom: float

    def write(self, path: Path) -> None:
        """Write it, whole or not at all."""
        with whole_path(path) as unfinished, unfinished.open("wb") as file:
            np.savez_compressed(
                file,
                tomograms_zyx=self.tomograms_zyx,
                positions_xyz_angstrom=self.positions_xyz_angstrom,
                molecules=self.molecules,
                radii_angstrom=self.radii_angstrom,
                voxel_size_angstrom=self.voxel_size_angstrom,
            )

    @classmethod
    def read(cls, path: Path) -> "PretrainingSpecimen":
        """Read what :meth:`write` wrote.

        Raises
        ------
        InputError
            If the file is missing or damaged.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
                return cls(
                    content["tomograms_zyx"],
                    content["positions_xyz_angstrom"],
                    content["molecules"],
                    content["radii_angstrom"],
                    float(content["voxel_size_angstrom"]),
                )
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise InputError(
                path, f"this specimen cannot be read ({error})", "remove it and pretrain again"
            ) from error
