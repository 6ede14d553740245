"""Small runs and cubes made from functions or from a seed."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from features.subtomograms import Subtomograms
from picking.config import ParticleType
from picking.coordinates import extent_xyz_angstrom, indices_zyx_to_angstrom_xyz
from picking.files.embedding import EMBEDDING, embedding_channels, embedding_columns
from picking.files.score_maps import ScoreMaps
from picking.files.tomogram import Tomogram
from picking.particle_grid import particle_grid

PARTICLES = (
    ParticleType(name="small", label=1, radius_angstrom=55),
    ParticleType(name="large", label=2, radius_angstrom=100),
)
EMBEDDING_NAMES = embedding_channels(["small", "large"])
VOXEL_SIZE_ZYX = np.array([10.0, 10.0, 10.0])
SHAPE_ZYX = (24, 48, 48)
STRIDE = 2
Zyx = NDArray[np.float64]


def cubes_of(*functions: Callable[[Zyx, Zyx, Zyx], ArrayLike]) -> Subtomograms:
    """Cubes whose values are functions of z, y and x in radii."""
    z, y, x = particle_grid().offsets_zyx.T
    values = [np.broadcast_to(function(z, y, x), z.shape) for function in functions]
    return Subtomograms(
        np.stack(values).astype(np.float32), np.ones(len(functions), dtype=np.float32)
    )


def candidates_at(
    positions_xyz_angstrom: ArrayLike, types: list[str], scores: ArrayLike, run: str = "TS_1"
) -> pd.DataFrame:
    positions = np.asarray(positions_xyz_angstrom, dtype=float).reshape(-1, 3)
    return pd.DataFrame(
        {
            "run": pd.Series([run] * len(positions), dtype="str"),
            "candidate_id": np.arange(len(positions), dtype=np.int32),
            "particle_type": pd.Series(types, dtype="str"),
            "x": positions[:, 0],
            "y": positions[:, 1],
            "z": positions[:, 2],
            "proposal_score": np.asarray(scores, dtype=np.float32),
        }
    )


def empty_maps(shape_zyx: tuple[int, int, int] = SHAPE_ZYX) -> ScoreMaps:
    """Maps that are 0 everywhere."""
    z, y, x = (side // STRIDE for side in shape_zyx)
    names = tuple(particle.name for particle in PARTICLES)
    return ScoreMaps(np.zeros((2, z, y, x), dtype=np.float32), names, STRIDE, VOXEL_SIZE_ZYX)


def embedding_of(candidates: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Any embedding of candidates; that of a candidate follows from its id."""
    columns = embedding_columns(EMBEDDING_NAMES)
    values = np.random.default_rng(seed).random(
        (1 + candidates["candidate_id"].max(), len(columns))
    )
    table = candidates[EMBEDDING.column_names].reset_index(drop=True)
    table[columns] = values[candidates["candidate_id"]].astype(np.float32)
    return table


def noisy_run(seed: int = 0, number: int = 20) -> tuple[Tomogram, pd.DataFrame, ScoreMaps]:
    """A run of noise with candidates of both types anywhere in it, the border included."""
    rng = np.random.default_rng(seed)
    tomogram = Tomogram(
        "TS_1", rng.normal(0, 7e-6, SHAPE_ZYX).astype(np.float32), VOXEL_SIZE_ZYX
    )  # fmt: skip
    empty = empty_maps()
    maps = ScoreMaps(
        rng.random(empty.scores_tzyx.shape, dtype=np.float32),
        empty.particle_types,
        STRIDE,
        VOXEL_SIZE_ZYX,
    )
    positions = rng.random((number, 3)) * extent_xyz_angstrom(SHAPE_ZYX, VOXEL_SIZE_ZYX)
    types = [PARTICLES[index % 2].name for index in range(number)]
    return tomogram, candidates_at(positions, types, rng.random(number)), maps


def map_voxel_position(index_zyx: tuple[int, int, int]) -> NDArray[np.float64]:
    """Position xyz in Å of a map voxel's centre."""
    return indices_zyx_to_angstrom_xyz(index_zyx, VOXEL_SIZE_ZYX, STRIDE)[0]
