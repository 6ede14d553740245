"""The embedding of candidates is what the maps say where they are."""

import numpy as np
import pandas as pd
import pytest

from picking.config import ParticleType
from picking.coordinates import indices_zyx_to_angstrom_xyz
from picking.files.score_maps import ScoreMaps
from stage1_proposals.prediction.embed import embed_candidates
from stage1_proposals.prediction.predict import PredictedMaps

VOXEL_SIZE_ZYX = np.array([10.0, 10.0, 10.0])
STRIDE = 2
BALL = ParticleType(name="ball", label=1, radius_angstrom=60)
SHAPE_ZYX = (12, 20, 24)


def predicted() -> PredictedMaps:
    maps = ScoreMaps(np.zeros((1, *SHAPE_ZYX), np.float32), ("ball",), STRIDE, VOXEL_SIZE_ZYX)
    embedding = np.random.default_rng(0).random((2, *SHAPE_ZYX), dtype=np.float32)
    embedding[1] = 0.25
    return PredictedMaps(maps, embedding, ("fine_ball", "coarse_ball"))


def candidates_at(indices_zyx: list[tuple[int, int, int]]) -> pd.DataFrame:
    indices = np.reshape(indices_zyx, (-1, 3))
    positions = indices_zyx_to_angstrom_xyz(indices, VOXEL_SIZE_ZYX, STRIDE)
    return pd.DataFrame(
        {
            "run": ["R"] * len(positions),
            "candidate_id": np.arange(len(positions), dtype=np.int32) + 5,
            "particle_type": ["ball"] * len(positions),
            "x": positions[:, 0],
            "y": positions[:, 1],
            "z": positions[:, 2],
            "proposal_score": np.full(len(positions), 0.5, np.float32),
        }
    )


def test_the_value_on_the_grid_and_the_mean_in_a_flat_region() -> None:
    maps, places = predicted(), [(5, 12, 17), (0, 0, 0)]
    table = embed_candidates(candidates_at(places), maps, [BALL])
    assert table["candidate_id"].tolist() == [5, 6]
    expected = [maps.embedding_czyx[0][place] for place in places]
    assert table["fine_ball_centre"].tolist() == pytest.approx(expected)
    assert table["coarse_ball_mean"].tolist() == pytest.approx([0.25, 0.25])
    assert (table.dtypes[2:] == "float32").all()


def test_no_candidates_have_no_embedding_but_all_columns() -> None:
    table = embed_candidates(candidates_at([]), predicted(), [BALL])
    assert len(table) == 0
    assert len(table.columns) == 2 + 4
