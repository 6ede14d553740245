"""Embedding: what the network's features say, as stage 1 has read them off at the candidates."""

from collections.abc import Sequence

import numpy as np

from features.feature import Feature, Measured
from features.run_context import RunContext
from picking.config import FeatureSettings
from picking.files.embedding import POOLING_RADII, centre_column, mean_column


def declared(settings: FeatureSettings, embedding_names: Sequence[str]) -> tuple[Feature, ...]:
    """Features of this family, in the order of the table."""
    features = []
    for name in embedding_names:
        meanings = {
            centre_column(name): f"channel {name} at the candidate",
            mean_column(name): f"channel {name}, mean within {POOLING_RADII:g} radii",
        }
        features += [
            Feature(f"embedding_{column}", "1", "embedding", meaning)
            for column, meaning in meanings.items()
        ]
    return tuple(features)


def measure(run_context: RunContext, settings: FeatureSettings) -> Measured:
    """Measure this family on a run's n candidates; values (n,) by feature name."""
    return {
        f"embedding_{column}": values.to_numpy(np.float32)
        for column, values in run_context.embedding.items()
    }
