"""Stage 1's score maps of one run: the file between prediction and the feature tables."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from picking.errors import InputError
from picking.files.tables import REMAKE
from picking.files.whole_files import whole_path

# On disk a score is its log-odds in 8 bits, in steps far below what two networks differ by. Below
# the lowest level (a score of 0.0001) is noise, which fills most of the volume.
LOWEST_LOGIT, LOGIT_STEP = -9.0, 0.1
LEVELS = 256
# Scores by level; level 0 means LOWEST_LOGIT or less, and is read as no score at all.
SCORE_OF_LEVEL: NDArray[np.float32] = expit(LOWEST_LOGIT + LOGIT_STEP * np.arange(LEVELS)).astype(
    np.float32
)
SCORE_OF_LEVEL[0] = 0.0


@dataclass(frozen=True)
class ScoreMaps:
    """What the network says of every place in a tomogram.

    Parameters
    ----------
    scores_tzyx : ndarray, (T, Z/s, Y/s, X/s), float32
        Score of each particle type, 0 to 1, in the order of ``particle_types``; averaged over
        the prediction's passes.
    particle_types : tuple of str
        Names of the T types.
    output_stride : int
        Tomogram voxels a side for each voxel of the maps (s above).
    voxel_size_zyx_angstrom : ndarray, (3,), float64
        Size of a tomogram voxel, Å.
    """

    scores_tzyx: NDArray[np.float32]
    particle_types: tuple[str, ...]
    output_stride: int
    voxel_size_zyx_angstrom: NDArray[np.float64]

    def write(self, path: Path) -> None:
        """Write to a compressed ``.npz`` file, as log-odds in 8 bits: 5 % off at most, or 0."""
        with whole_path(path) as unfinished, unfinished.open("wb") as file:
            np.savez_compressed(
                file,
                logit_levels_tzyx=np.stack([_levels(scores) for scores in self.scores_tzyx]),
                particle_types=np.array(self.particle_types, dtype=np.str_),
                output_stride=np.array(self.output_stride),
                voxel_size_zyx_angstrom=self.voxel_size_zyx_angstrom,
            )

    @classmethod
    def read(cls, path: Path) -> "ScoreMaps":
        """Read what :meth:`write` wrote.

        Parameters
        ----------
        path : Path
            ``results/NAME/score_maps/RUN.npz``.

        Returns
        -------
        ScoreMaps

        Raises
        ------
        InputError
            If the file is missing or damaged.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
                return cls(
                    scores_tzyx=SCORE_OF_LEVEL[content["logit_levels_tzyx"]],
                    particle_types=tuple(str(name) for name in content["particle_types"]),
                    output_stride=int(content["output_stride"]),
                    voxel_size_zyx_angstrom=content["voxel_size_zyx_angstrom"],
                )
        except OSError as error:
            reason = error.strerror or str(error)
            raise InputError(path, f"cannot be read ({reason})", "propose first") from None
        except Exception as error:
            # A damaged zip archive raises whatever its decoder stumbles over.
            raise InputError(path, f"does not hold score maps ({error})", REMAKE) from None


def _levels(scores_zyx: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Turn scores, 0 to 1, into levels of log-odds."""
    levels = np.rint((logit(scores_zyx) - LOWEST_LOGIT) / LOGIT_STEP)
    clipped: NDArray[np.uint8] = np.clip(levels, 0, LEVELS - 1).astype(np.uint8)
    return clipped
