"""Score maps: the peak that stage 1 saw, and how it compares with the other types' maps there."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from features.feature import Feature, Measured
from features.gradient import gaussian_weights
from features.intensity import shell_weights
from features.run_context import LOGIT_MARGIN, RunContext, logit
from features.subtomograms import sample_grid
from picking.config import FeatureSettings
from picking.map_sampling import BATCH, in_balls
from picking.particle_grid import EXTENT_RADII, particle_grid
from picking.threads import in_threads, slices_of

PEAK_SHELLS = 4  # of a quarter of a radius, out to one radius
CURVATURE_SIGMA_RADII = 0.25  # as that of stage 1's targets by default
NEARBY_FROM_RADII = 0.75  # within it, the peak's own flank
POOLING_RADII = 0.5
COMPARED_RANKS = (1, 5, 20)  # a run's best, and what is usual in it for rare and common types
SMALLEST_SCORE = 1e-6  # of a sum of scores; less has no width


def declared(settings: FeatureSettings, particle_types: Sequence[str]) -> tuple[Feature, ...]:
    """Features of this family, in the order of the table."""
    entries = [
        ("proposal_logit", "logit", "log-odds of the proposal score, the height of stage 1's peak"),
        ("rank", "log(1 + rank)", "rank among the run's candidates of the type; 0 for the best"),
    ]
    entries += [
        (
            f"logit_over_rank_{rank}",
            "logit",
            f"log-odds minus those of the run's number {rank} of the type (or of its last)",
        )
        for rank in COMPARED_RANKS
    ]
    entries += [
        (
            f"own_shell_{shell}",
            "1",
            f"own map's mean from {shell / PEAK_SHELLS:g} to {(shell + 1) / PEAK_SHELLS:g} radii",
        )
        for shell in range(PEAK_SHELLS)
    ]
    entries += [
        ("own_width", "radii", "root mean square width of the own map within 1 radius; 0 if empty"),
        ("own_offset", "radii", "distance to the own map's centre of mass in 1 radius; 0 if empty"),
        ("own_half_volume", "1", "share of the ball of 1 radius above half of its highest value"),
        ("own_curvature_xy", "1", "own map's negative curvature at 0.25 radii, mean of x and y"),
        ("own_curvature_z", "1", "own map's negative curvature at 0.25 radii along z"),
        ("own_prominence", "1", "own map's maximum within 0.5 radii minus mean at 0.75 to 1.5"),
        ("own_second", "1", "own map's maximum from 0.75 to 1.5 radii"),
        ("best_other", "logit", "highest log-odds of any other type within 0.5 radii"),
        ("margin", "logit", "own highest log-odds within 0.5 radii minus those of the best other"),
        ("entropy", "nat", "entropy over the types' shares of their maxima within 0.5 radii"),
    ]
    return tuple(
        Feature(f"score_map_{name}", unit, "score_map", meaning) for name, unit, meaning in entries
    )


def measure(run_context: RunContext, settings: FeatureSettings) -> Measured:
    """Measure this family on a run's n candidates; values (n,) by feature name."""
    measured = _ranks(run_context)
    measured |= _peaks(run_context)
    measured |= _all_types(run_context)
    return measured


def _ranks(run_context: RunContext) -> Measured:
    """Log-odds, rank, and distance to the run's k-th best of the same type."""
    count = len(run_context.types)
    measured: Measured = {
        "score_map_proposal_logit": run_context.logits.astype(np.float32),
        "score_map_rank": np.zeros(count, dtype=np.float32),
    }
    for rank in COMPARED_RANKS:
        measured[f"score_map_logit_over_rank_{rank}"] = np.zeros(count, dtype=np.float32)
    for number in np.unique(run_context.types):
        members = np.flatnonzero(run_context.types == number)
        # Candidates stand in the order of their ids, so that equal scores rank by id.
        best_first = members[np.argsort(-run_context.proposal_scores[members], kind="stable")]
        places = np.arange(len(members))
        measured["score_map_rank"][best_first] = np.log1p(places)
        for rank in COMPARED_RANKS:
            compared = run_context.logits[best_first[min(rank, len(members)) - 1]]
            column = measured[f"score_map_logit_over_rank_{rank}"]
            column[members] = run_context.logits[members] - compared
    return measured


@cache
def _curvature_kernels() -> NDArray[np.float32]:
    """Kernels (P, 2) of minus sigma² times second derivatives: mean of x and y, and z."""
    grid = particle_grid()
    weights = gaussian_weights(CURVATURE_SIGMA_RADII)
    z, y, x = (grid.offsets_zyx / CURVATURE_SIGMA_RADII).T
    kernels = np.stack([1 - (np.square(x) + np.square(y)) / 2, 1 - np.square(z)], axis=1)
    kernels *= weights[:, None]
    kernels[grid.ball] -= kernels.sum(axis=0) / grid.ball.sum()
    return kernels.astype(np.float32)


def _peaks(run_context: RunContext) -> Measured:
    """Form of the peak in the map of each candidate's own type."""
    names = [f"own_shell_{shell}" for shell in range(PEAK_SHELLS)]
    names += ["own_width", "own_offset", "own_half_volume", "own_curvature_xy", "own_curvature_z"]
    names += ["own_prominence", "own_second"]
    measured: Measured = {
        f"score_map_{name}": np.zeros(len(run_context.types), dtype=np.float32) for name in names
    }
    maps = run_context.score_maps
    where = (maps.voxel_size_zyx_angstrom, maps.output_stride)

    def measure_some(members: NDArray[np.int64]) -> None:
        name = run_context.particle_types[run_context.types[members[0]]]
        cubes = sample_grid(
            maps.scores_tzyx[maps.particle_types.index(name)],
            run_context.positions_xyz_angstrom[members],
            float(run_context.radii_angstrom[members[0]]),
            where[0],
            stride=where[1],
            mode="nearest",
        )
        for feature, values in _peak_form(cubes).items():
            measured[feature][members] = values

    parts = []
    for number in np.unique(run_context.types):
        members = np.flatnonzero(run_context.types == number)
        parts += [members[some] for some in slices_of(len(members), BATCH)]
    in_threads(measure_some, parts, run_context.threads)
    return measured


def _peak_form(cubes: NDArray[np.float32]) -> Measured:
    """Form of the peak in cubes (n, P) of a score map."""
    grid = particle_grid()
    measured: Measured = {}
    shells = cubes @ shell_weights(PEAK_SHELLS, 1.0)
    for shell in range(PEAK_SHELLS):
        measured[f"score_map_own_shell_{shell}"] = shells[:, shell]

    body = cubes[:, grid.body]
    offsets = grid.offsets_zyx[grid.body].astype(np.float32)
    total = np.maximum(body.sum(axis=1), SMALLEST_SCORE)
    centre = body @ offsets / total[:, None]
    square = body @ np.square(offsets).sum(axis=1) / total
    width = np.sqrt(np.maximum(square - np.square(centre).sum(axis=1), 0))
    measured["score_map_own_width"] = width
    measured["score_map_own_offset"] = np.linalg.norm(centre, axis=1)
    half = 0.5 * body.max(axis=1)
    measured["score_map_own_half_volume"] = (body > half[:, None]).mean(axis=1)

    curvatures = cubes @ _curvature_kernels()
    measured["score_map_own_curvature_xy"] = curvatures[:, 0]
    measured["score_map_own_curvature_z"] = curvatures[:, 1]
    nearby = cubes[:, grid.between(NEARBY_FROM_RADII, EXTENT_RADII)]
    highest = cubes[:, grid.between(0, POOLING_RADII)].max(axis=1)
    measured["score_map_own_prominence"] = highest - nearby.mean(axis=1)
    measured["score_map_own_second"] = nearby.max(axis=1)
    return measured


def _all_types(run_context: RunContext) -> Measured:
    """How the maps of all types compare around each candidate."""
    maps = run_context.score_maps
    where = (maps.voxel_size_zyx_angstrom, maps.output_stride)
    positions, radii = run_context.positions_xyz_angstrom, run_context.radii_angstrom
    order = [maps.particle_types.index(name) for name in run_context.particle_types]
    scores = maps.scores_tzyx
    _, within_half = in_balls(scores, positions, radii * POOLING_RADII, *where)
    within_half = within_half[:, order]  # (n, T)

    measured: Measured = {}
    rows = np.arange(len(positions))
    own = within_half[rows, run_context.types]
    others = within_half.copy()
    others[rows, run_context.types] = 0  # also what stands for the others if there is one type
    best_other = logit(others.max(axis=1))
    measured["score_map_best_other"] = best_other.astype(np.float32)
    measured["score_map_margin"] = (logit(own) - best_other).astype(np.float32)
    shares = np.maximum(within_half, LOGIT_MARGIN)
    shares = shares / shares.sum(axis=1, keepdims=True)
    measured["score_map_entropy"] = -(shares * np.log(shares)).sum(axis=1)
    return measured
