"""The embedding of candidates, read off the network's embedding maps, which are not kept."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from picking.config import ParticleType
from picking.files.embedding import EMBEDDING, POOLING_RADII, centre_column, mean_column
from picking.files.tables import POSITION_COLUMNS
from picking.map_sampling import at_positions, in_balls
from stage1_proposals.prediction.predict import PredictedMaps


def embed_candidates(
    candidates: pd.DataFrame, predicted: PredictedMaps, particles: Sequence[ParticleType]
) -> pd.DataFrame:
    """Read the embedding's channels off at every candidate and around it.

    Parameters
    ----------
    candidates : DataFrame
        Table ``picking.files.tables.CANDIDATES`` of one run.
    predicted : PredictedMaps
        The run's maps.
    particles : sequence of ParticleType
        The types, for their radii.

    Returns
    -------
    DataFrame
        Table ``picking.files.embedding.EMBEDDING``, one row for each candidate in their order.
    """
    maps = predicted.score_maps
    radii = {particle.name: particle.radius_angstrom for particle in particles}
    positions_xyz_angstrom = candidates[POSITION_COLUMNS].to_numpy(np.float64)
    of_candidates = np.array([radii[name] for name in candidates["particle_type"]])
    where = (maps.voxel_size_zyx_angstrom, maps.output_stride)
    centre = at_positions(predicted.embedding_czyx, positions_xyz_angstrom, *where)
    mean, _ = in_balls(
        predicted.embedding_czyx, positions_xyz_angstrom, of_candidates * POOLING_RADII, *where
    )
    columns = {}
    for channel, name in enumerate(predicted.embedding_names):
        columns[centre_column(name)] = centre[:, channel]
        columns[mean_column(name)] = mean[:, channel]
    table = pd.concat(
        [candidates[EMBEDDING.column_names], pd.DataFrame(columns, index=candidates.index)], axis=1
    )
    return EMBEDDING.check(table, "embedding of candidates")
