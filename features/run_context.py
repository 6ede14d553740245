"""One run's candidates with all that the families look at, in a fixed order."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.subtomograms import ResolutionLevels
from features.template_matching.missing_wedge import MissingWedge
from features.template_matching.whitening import WhitenedTomogram, whitened
from picking.config import ParticleType
from picking.coordinates import extent_xyz_angstrom
from picking.errors import InputError
from picking.files.embedding import EMBEDDING, embedding_channels, embedding_columns
from picking.files.mask import Mask
from picking.files.score_maps import ScoreMaps
from picking.files.tables import POSITION_COLUMNS
from picking.structures.structure import Structure

# Scores nearer to 0 or 1 say nothing more.
LOGIT_MARGIN = 1e-4
KEYS = EMBEDDING.column_names


def logit(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Log-odds of scores, cut off at a score of 0.0001 from 0 and from 1 (±9.2)."""
    safe = np.clip(np.asarray(scores, dtype=np.float64), LOGIT_MARGIN, 1 - LOGIT_MARGIN)
    return np.log(safe) - np.log1p(-safe)


@dataclass(frozen=True)
class RunContext:
    """n candidates of one run, sorted by their id, and what surrounds them.

    Parameters
    ----------
    positions_xyz_angstrom : ndarray, (n, 3), float64
        Candidates' positions, Å.
    proposal_scores : ndarray, (n,), float64
        Stage 1's scores, 0 to 1.
    types : ndarray, (n,), int64
        Number of each candidate's type in ``particle_types``.
    radii_angstrom : ndarray, (n,), float64
        Radius of each candidate's type, Å.
    particle_types : tuple of str
        Names of the types, in the configuration's order.
    resolutions : ResolutionLevels
        The normalised tomogram.
    score_maps : ScoreMaps
        Stage 1's maps.
    embedding : DataFrame
        Columns of ``picking.files.embedding.EMBEDDING`` without the keys, one row for each
        candidate.
    structures : mapping of str to Structure
        Structures of the particle types that have one.
    averages : mapping of str to Structure
        Averages of their training picks, of those that have one.
    threads : int
        Threads that a family may use; what it measures does not depend on them.
    mask : Mask or None
        Where picks count; None: everywhere.
    """

    positions_xyz_angstrom: NDArray[np.float64]
    proposal_scores: NDArray[np.float64]
    types: NDArray[np.int64]
    radii_angstrom: NDArray[np.float64]
    particle_types: tuple[str, ...]
    resolutions: ResolutionLevels
    score_maps: ScoreMaps
    embedding: pd.DataFrame
    structures: Mapping[str, Structure]
    averages: Mapping[str, Structure]
    threads: int = 1
    mask: Mask | None = None

    @cached_property
    def logits(self) -> NDArray[np.float64]:
        """Log-odds of the proposal scores, (n,)."""
        return logit(self.proposal_scores)

    @cached_property
    def _whitened(self) -> dict[MissingWedge | None, WhitenedTomogram]:
        return {}

    def whitened(self, wedge: MissingWedge | None) -> WhitenedTomogram:
        """Whiten the tomogram, once for all families; None measures the wedge."""
        if wedge not in self._whitened:
            finest = self.resolutions.levels[0]
            size = self.resolutions.voxel_size_zyx_angstrom
            self._whitened[wedge] = whitened(finest, size, wedge, self.threads)
        return self._whitened[wedge]

    @cached_property
    def kept_fits(self) -> dict[Hashable, NDArray[np.float32]]:
        """Keep fits to structures, so that families that share one measure it once."""
        return {}

    @property
    def extent_xyz_angstrom(self) -> NDArray[np.float64]:
        """Position of the tomogram's last voxel, (3,), Å."""
        z, y, x = self.resolutions.levels[0].shape
        return extent_xyz_angstrom((z, y, x), self.resolutions.voxel_size_zyx_angstrom)


def make_run_context(
    candidates: pd.DataFrame,
    score_maps: ScoreMaps,
    embedding: pd.DataFrame,
    particles: Sequence[ParticleType],
    resolutions: ResolutionLevels,
    structures: Mapping[str, Structure],
    averages: Mapping[str, Structure],
    threads: int = 1,
    mask: Mask | None = None,
) -> RunContext:
    """Put candidates, maps and tomogram together.

    Parameters
    ----------
    candidates : DataFrame
        Table ``CANDIDATES`` of one run, in any order.
    score_maps : ScoreMaps
        Stage 1's maps of the run.
    embedding : DataFrame
        Table ``picking.files.embedding.EMBEDDING`` of the same candidates, in any order.
    particles : sequence of ParticleType
        The configuration's particle types.
    resolutions : ResolutionLevels
        The normalised tomogram.
    structures : mapping of str to Structure
        Structures of the particle types that have one.
    averages : mapping of str to Structure
        Averages of their training picks, of those that have one.
    threads : int
        Threads that a family may use.
    mask : Mask or None
        Where picks count; None: everywhere.

    Returns
    -------
    RunContext

    Raises
    ------
    InputError
        If a candidate's type is not among the particles, a particle has no score map, or the
        embedding is of other candidates.
    """
    names = tuple(particle.name for particle in particles)
    radii = {particle.name: particle.radius_angstrom for particle in particles}
    unknown = sorted(set(candidates["particle_type"]) - set(names))
    if unknown:
        raise InputError(
            "candidates table",
            f"particle type(s) {', '.join(unknown)} are not in the configuration",
            "run the proposals stage again with this configuration",
        )
    without_map = sorted(set(names) - set(score_maps.particle_types))
    if without_map:
        raise InputError(
            "score maps",
            f"there is no map for particle type(s) {', '.join(without_map)}",
            "run the proposals stage again with this configuration",
        )
    ordered = candidates.sort_values("candidate_id", kind="stable")
    embedded = embedding.sort_values("candidate_id", kind="stable")
    columns = embedding_columns(embedding_channels(names))
    if not (
        set(columns) <= set(embedded.columns)
        and np.array_equal(embedded[KEYS].to_numpy(), ordered[KEYS].to_numpy())
    ):
        raise InputError(
            "embedding table",
            "it is of other candidates, or of other types, than the candidates table",
            "propose again: snakemake --forcerun propose",
        )
    number = {name: index for index, name in enumerate(names)}
    return RunContext(
        positions_xyz_angstrom=ordered[POSITION_COLUMNS].to_numpy(dtype=np.float64),
        proposal_scores=ordered["proposal_score"].to_numpy(dtype=np.float64),
        types=np.array([number[name] for name in ordered["particle_type"]], dtype=np.int64),
        radii_angstrom=np.array([radii[name] for name in ordered["particle_type"]]),
        particle_types=names,
        resolutions=resolutions,
        score_maps=score_maps,
        embedding=embedded[columns],
        structures=structures,
        averages=averages,
        threads=threads,
        mask=mask,
    )
