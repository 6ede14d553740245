"""What the viewer's page shows: the field, its slices, and the particles of every type."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from picking.config import ParticleType
from picking.files.tables import PARTICLE_TYPE, POSITION_COLUMNS, RERANK_SCORE, RUN, Table, X, Y, Z
from picking.preview.slice_drawing import edge_color
from picking.preview.viewer.slice_images import SliceImages
from picking.scoring.suppression import suppress

# What is read of scored_test.parquet, and of out_of_fold.parquet, which has other columns besides.
SHOWN_CANDIDATES = Table("scored candidates", (RUN, PARTICLE_TYPE, X, Y, Z, RERANK_SCORE))
# Decimals of positions, Å: a hundredth of a voxel.
DECIMALS = 1
# The least cut-off: every candidate scores above it.
NO_CUTOFF = 0.0

# x, y, z in Å and the probability; x, y, z in Å.
ShownPick = tuple[float, float, float, float]
ShownTruth = tuple[float, float, float]


@dataclass(frozen=True)
class ShownType:
    """A particle type with what was found of it.

    Parameters
    ----------
    name : str
        Name of the type.
    radius : float
        Å.
    color, edge : str
        CSS colours of the outline and of the line beneath that sets it off.
    cutoff : float
        Where the page begins; shown is what scores above it.
    picks : tuple of ShownPick
        The most probable first.
    truth : tuple of ShownTruth
        The references.
    """

    name: str
    radius: float
    color: str
    edge: str
    cutoff: float
    picks: tuple[ShownPick, ...]
    truth: tuple[ShownTruth, ...]


@dataclass(frozen=True)
class ViewerContent:
    """All that the page knows.

    Parameters
    ----------
    run : str
        Name of the run.
    kind : str
        "candidates" or "picks", or "truth" where there is nothing else.
    result : str
        Folder of the result that the candidates are of, as a word of a shell's command line.
    types : tuple of ShownType
        Types of which there is something to show, in the configuration's order.
    slices : SliceImages
        The slices.
    """

    run: str
    kind: str
    result: str
    types: tuple[ShownType, ...]
    slices: SliceImages

    @property
    def picks_above_cutoffs(self) -> int:
        """Number of picks that the page opens with."""
        return sum(score > item.cutoff for item in self.types for *_, score in item.picks)

    @property
    def references(self) -> int:
        """Number of references."""
        return sum(len(item.truth) for item in self.types)


def apart(
    candidates: pd.DataFrame, score_column: str, distance_angstrom: Mapping[str, float]
) -> pd.DataFrame:
    """Leave the best of close candidates of a run, as the final picks do.

    Parameters
    ----------
    candidates : DataFrame
        Of one run: columns particle_type, x, y, z (Å) and ``score_column``.
    score_column : str
        The higher the better.
    distance_angstrom : mapping of str to float
        Least distance of two that both stay, Å; types that are not there are left out.

    Returns
    -------
    DataFrame
        The rows that stay.
    """
    stays = np.zeros(len(candidates), dtype=bool)
    for particle_type, distance in distance_angstrom.items():
        of_type = (candidates["particle_type"] == particle_type).to_numpy()
        rows = candidates[of_type]
        stays[of_type] = suppress(
            rows[POSITION_COLUMNS].to_numpy(np.float64),
            rows[score_column].to_numpy(np.float64),
            distance,
        )
    return candidates[stays]


def shown_types(
    particles: Sequence[ParticleType],
    picks: pd.DataFrame,
    truth: pd.DataFrame,
    cutoffs: Mapping[str, float],
) -> tuple[ShownType, ...]:
    """Gather the particles of a run by type.

    Parameters
    ----------
    particles : sequence of ParticleType
        The types.
    picks : DataFrame
        Columns particle_type, x, y, z (Å), score.
    truth : DataFrame
        Columns particle_type, x, y, z (Å).
    cutoffs : mapping of str to float
        Where a type's cut-off begins; a type without one begins with all its picks.

    Returns
    -------
    tuple of ShownType
        Types with neither picks nor truth are left out.
    """
    shown = []
    for particle in particles:
        of_type = picks[picks["particle_type"] == particle.name]
        of_type = of_type.sort_values("score", ascending=False, kind="stable")
        references = truth[truth["particle_type"] == particle.name]
        if of_type.empty and references.empty:
            continue
        red, green, blue = particle.color[:3]
        shown.append(
            ShownType(
                name=particle.name,
                radius=particle.radius_angstrom,
                color=f"rgb({red} {green} {blue})",
                edge=edge_color(particle.color),
                cutoff=cutoffs.get(particle.name, NO_CUTOFF),
                picks=tuple(
                    (*place, score)
                    for place, score in zip(
                        _positions(of_type), of_type["score"].tolist(), strict=True
                    )
                ),
                truth=_positions(references),
            )
        )
    return tuple(shown)


def _positions(particles: pd.DataFrame) -> tuple[ShownTruth, ...]:
    rounded = particles[POSITION_COLUMNS].to_numpy(np.float64).round(DECIMALS)
    return tuple((x, y, z) for x, y, z in rounded.tolist())
