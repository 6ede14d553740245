"""Stage 1's score maps of one run: the file between prediction and the feature tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from picking.errors import InputError
from picking.files.whole_files import whole_path

# Depths of the network whose features are compared with the prototypes.
EMBEDDING_DEPTHS = ("fine", "coarse")


def embedding_channels(particle_types: Sequence[str]) -> tuple[str, ...]:
    """Names of the embedding channels: every type at every depth."""
    return tuple(f"{depth}_{name}" for depth in EMBEDDING_DEPTHS for name in particle_types)


@dataclass(frozen=True)
class ScoreMaps:
    """What the network says of every place in a tomogram.

    Parameters
    ----------
    scores_tzyx : ndarray, (T, Z/s, Y/s, X/s), float32
        Score of each particle type, 0 to 1, in the order of ``particle_types``; averaged over
        the prediction's passes.
    embedding_czyx : ndarray, (C, Z/s, Y/s, X/s), float32
        Embedding channels named by ``embedding_names``: cosine similarity of the network's
        features to the prototype of a class, which means the same for every network.
    particle_types : tuple of str
        Names of the T types.
    embedding_names : tuple of str
        Names of the C embedding channels.
    output_stride : int
        Tomogram voxels a side for each voxel of the maps (s above).
    voxel_size_zyx_angstrom : ndarray, (3,), float64
        Size of a tomogram voxel, Å.
    """

    scores_tzyx: NDArray[np.float32]
    embedding_czyx: NDArray[np.float32]
    particle_types: tuple[str, ...]
    embedding_names: tuple[str, ...]
    output_stride: int
    voxel_size_zyx_angstrom: NDArray[np.float64]

    def write(self, path: Path) -> None:
        """Write to an uncompressed ``.npz`` file, maps in half precision."""
        with whole_path(path) as unfinished, unfinished.open("wb") as file:
            np.savez(
                file,
                scores_tzyx=self.scores_tzyx.astype(np.float16),
                embedding_czyx=self.embedding_czyx.astype(np.float16),
                particle_types=np.array(self.particle_types, dtype=np.str_),
                embedding_names=np.array(self.embedding_names, dtype=np.str_),
                output_stride=np.array(self.output_stride),
                voxel_size_zyx_angstrom=self.voxel_size_zyx_angstrom,
            )

    @classmethod
    def read(cls, path: Path) -> "ScoreMaps":
        """Read what :meth:`write` wrote.

        Raises
        ------
        InputError
            If the file is missing or damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as content:
                return cls(
                    scores_tzyx=content["scores_tzyx"].astype(np.float32),
                    embedding_czyx=content["embedding_czyx"].astype(np.float32),
                    particle_types=tuple(str(name) for name in content["particle_types"]),
                    embedding_names=tuple(str(name) for name in content["embedding_names"]),
                    output_stride=int(content["output_stride"]),
                    voxel_size_zyx_angstrom=content["voxel_size_zyx_angstrom"],
                )
        except (OSError, ValueError, KeyError) as error:
            raise InputError(
                path, f"these score maps cannot be read ({error})", "run the proposals stage again"
            ) from error
