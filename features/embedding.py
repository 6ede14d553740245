"""Embedding: what the network's features say, read off the channels that stage 1 has written."""

from collections.abc import Sequence

from features.feature import Feature, Measured
from features.map_sampling import at_positions, in_balls
from features.run_context import RunContext
from picking.config import FeatureSettings

POOLING_RADII = 0.5  # the particle's inner half: its rim already sees the neighbours


def declared(settings: FeatureSettings, embedding_names: Sequence[str]) -> tuple[Feature, ...]:
    """Features of this family, in the order of the table."""
    features = []
    for name in embedding_names:
        features += [
            Feature(
                f"embedding_{name}_centre", "1", "embedding", f"channel {name} at the candidate"
            ),
            Feature(
                f"embedding_{name}_mean",
                "1",
                "embedding",
                f"channel {name}, mean within {POOLING_RADII:g} radii",
            ),
        ]
    return tuple(features)


def measure(run_context: RunContext, settings: FeatureSettings) -> Measured:
    """Measure this family on a run's n candidates; values (n,) by feature name."""
    maps = run_context.score_maps
    if not maps.embedding_names:
        return {}
    where = (maps.voxel_size_zyx_angstrom, maps.output_stride)
    centre = at_positions(maps.embedding_czyx, run_context.positions_xyz_angstrom, *where)
    mean, _ = in_balls(
        maps.embedding_czyx,
        run_context.positions_xyz_angstrom,
        run_context.radii_angstrom * POOLING_RADII,
        *where,
    )
    measured: Measured = {}
    for channel, name in enumerate(maps.embedding_names):
        measured[f"embedding_{name}_centre"] = centre[:, channel]
        measured[f"embedding_{name}_mean"] = mean[:, channel]
    return measured
