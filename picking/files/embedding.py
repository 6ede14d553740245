"""The embedding of candidates: what the network's features say of each, read off by stage 1."""

from collections.abc import Sequence

from picking.files.tables import CANDIDATE_ID, RUN, Table

# Depths of the network whose features are compared with the prototypes.
EMBEDDING_DEPTHS = ("fine", "coarse")
# The particle's inner half: its rim already sees the neighbours.
POOLING_RADII = 0.5

# Of every channel the columns of centre_column and mean_column.
EMBEDDING = Table("embedding", (RUN, CANDIDATE_ID), open_dtype="float32")


def embedding_channels(particle_types: Sequence[str]) -> tuple[str, ...]:
    """Names of the embedding's channels: every type at every depth.

    A channel is the cosine similarity of the network's features to the prototype of a class, which
    means the same for every network.
    """
    return tuple(f"{depth}_{name}" for depth in EMBEDDING_DEPTHS for name in particle_types)


def centre_column(channel: str) -> str:
    """Column with the channel's value at the candidate."""
    return f"{channel}_centre"


def mean_column(channel: str) -> str:
    """Column with the channel's mean within POOLING_RADII of the candidate's type."""
    return f"{channel}_mean"


def embedding_columns(channels: Sequence[str]) -> list[str]:
    """List the columns of a table EMBEDDING that hold the channels."""
    return [column(channel) for channel in channels for column in (centre_column, mean_column)]
