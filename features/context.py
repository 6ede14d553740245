"""Context: the other candidates around, the slab, the tomogram's border and its background."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.distance import cdist

from features.feature import Feature, Measured
from features.run_context import LOGIT_MARGIN, RunContext, logit
from features.subtomograms import halved
from picking.config import FeatureSettings
from picking.map_sampling import BATCH, at_positions

FAR_ANGSTROM = 1000.0  # the neutral distance: farther neighbours say nothing
COUNTED_RADII = (1, 2, 4)
CONFIDENCE_POWER = 2  # weights of the slab's estimate: many poor candidates shall not outvote
SLAB_QUANTILES = (0.05, 0.5, 0.95)  # of the candidates' z, weighted: both faces and the middle
LEAST_HALF_THICKNESS_ANGSTROM = 100.0  # a thinner slab holds no particle; one candidate is none
BACKGROUND_SIGMA_ANGSTROM = 300.0  # two ribosomes across: larger than any particle
BACKGROUND_HALVINGS = 2  # from the half-size tomogram: one voxel for 8 a side


def declared(settings: FeatureSettings, particle_types: Sequence[str]) -> tuple[Feature, ...]:
    """Features of this family, in the order of the table."""
    entries = [
        (
            f"nearest_{name}_distance",
            "Å",
            f"distance to the nearest other {name} candidate, at most {FAR_ANGSTROM:g}",
        )
        for name in particle_types
    ]
    for neighbour in range(settings.neighbours):
        entries += [
            (
                f"own_{neighbour}_distance",
                "radii",
                f"distance to number {neighbour + 1} of the nearest candidates of the own type, "
                f"at most {FAR_ANGSTROM:g} Å",
            ),
            (f"own_{neighbour}_score", "1", "proposal score of that neighbour; 0 if none"),
        ]
    entries += [
        (f"number_{reach}", "1", f"other candidates of any type within {reach} radii")
        for reach in COUNTED_RADII
    ]
    entries += [
        ("own_crowding", "1", "summed scores of the own type's others, Gaussian of 2 radii"),
        ("other_crowding", "1", "summed scores of other types' candidates, Gaussian of 2 radii"),
        ("rival_distance", "Å", "distance to the best candidate of another type that overlaps"),
        ("rival_margin", "logit", "own log-odds minus the rival's (of a score of 0 if none)"),
        ("border_distance_xy", "Å", "distance to the tomogram's nearest face in x or y"),
        ("border_distance_z", "Å", "distance to the tomogram's nearest face in z"),
        ("depth", "1", "z from the middle of the candidates' slab, in half-thicknesses"),
        ("depth_distance", "1", "absolute value of the depth"),
        ("surface_distance", "Å", "distance to the slab's nearest surface; negative outside"),
        ("background_mean", "sigma", "mean of the tomogram around, Gaussian of 300 Å"),
        ("background_std", "sigma", "spread of the tomogram around, Gaussian of 300 Å"),
    ]
    return tuple(
        Feature(f"context_{name}", unit, "context", meaning) for name, unit, meaning in entries
    )


def measure(run_context: RunContext, settings: FeatureSettings) -> Measured:
    """Measure this family on a run's n candidates; values (n,) by feature name."""
    measured = _neighbourhood(run_context, settings.neighbours)
    measured |= _place(run_context)
    measured |= _background(run_context)
    return {name: values.astype(np.float32) for name, values in measured.items()}


def _neighbourhood(run_context: RunContext, neighbours: int) -> dict[str, NDArray[np.float64]]:
    count = len(run_context.types)
    batches: list[dict[str, NDArray[np.float64]]] = []
    for start in range(0, count, BATCH):
        rows = np.arange(start, min(start + BATCH, count))
        distances = cdist(
            run_context.positions_xyz_angstrom[rows], run_context.positions_xyz_angstrom
        )  # (batch, n) Å
        distances[np.arange(len(rows)), rows] = np.inf  # a candidate is not its own neighbour
        batches.append(_neighbours_of(run_context, rows, distances, neighbours))
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


def _neighbours_of(
    run_context: RunContext,
    rows: NDArray[np.int64],
    distances: NDArray[np.float64],
    neighbours: int,
) -> dict[str, NDArray[np.float64]]:
    """Neighbourhood of some candidates, with their distances (batch, n) Å to all."""
    scores = run_context.proposal_scores
    radii = run_context.radii_angstrom[rows]
    same_type = run_context.types[rows][:, None] == run_context.types  # (batch, n)
    batch = np.arange(len(rows))
    measured: dict[str, NDArray[np.float64]] = {}

    for number, name in enumerate(run_context.particle_types):
        nearest = np.where(run_context.types == number, distances, np.inf).min(axis=1)
        measured[f"context_nearest_{name}_distance"] = np.minimum(nearest, FAR_ANGSTROM)

    own = np.where(same_type, distances, np.inf)
    order = np.argsort(own, axis=1, kind="stable")[:, :neighbours]
    for neighbour in range(neighbours):
        if neighbour < order.shape[1]:
            distance = own[batch, order[:, neighbour]]
            score = scores[order[:, neighbour]]
        else:
            distance, score = np.full(len(rows), np.inf), np.zeros(len(rows))
        known = distance < FAR_ANGSTROM
        measured[f"context_own_{neighbour}_distance"] = np.minimum(distance, FAR_ANGSTROM) / radii
        measured[f"context_own_{neighbour}_score"] = np.where(known, score, 0)

    for reach in COUNTED_RADII:
        within = distances <= reach * radii[:, None]
        measured[f"context_number_{reach}"] = within.sum(axis=1).astype(np.float64)
    weighted = scores * np.exp(-0.5 * np.square(distances / (2 * radii[:, None])))
    measured["context_own_crowding"] = np.where(same_type, weighted, 0).sum(axis=1)
    measured["context_other_crowding"] = np.where(same_type, 0, weighted).sum(axis=1)

    # Two particles overlap if one holds the other's centre.
    overlap_distance = np.maximum(radii[:, None], run_context.radii_angstrom)
    overlapping = ~same_type & (distances <= overlap_distance)
    rival_scores = np.where(overlapping, scores, -1.0)
    rival = np.argmax(rival_scores, axis=1)
    has_rival = overlapping.any(axis=1)
    rival_logits = np.where(has_rival, run_context.logits[rival], logit(np.zeros(1))[0])
    measured["context_rival_distance"] = np.where(has_rival, distances[batch, rival], FAR_ANGSTROM)
    measured["context_rival_margin"] = run_context.logits[rows] - rival_logits
    return measured


def _place(run_context: RunContext) -> dict[str, NDArray[np.float64]]:
    positions = run_context.positions_xyz_angstrom
    margins = np.minimum(positions, run_context.extent_xyz_angstrom - positions)  # (n, 3) xyz Å
    z = positions[:, 2]
    weights = np.maximum(run_context.proposal_scores, LOGIT_MARGIN) ** CONFIDENCE_POWER
    lower, middle, upper = np.quantile(z, SLAB_QUANTILES, weights=weights, method="inverted_cdf")
    half_thickness = max((upper - lower) / 2, LEAST_HALF_THICKNESS_ANGSTROM)
    depth = (z - middle) / half_thickness
    return {
        "context_border_distance_xy": margins[:, :2].min(axis=1),
        "context_border_distance_z": margins[:, 2],
        "context_depth": depth,
        "context_depth_distance": np.abs(depth),
        "context_surface_distance": np.minimum(z - lower, upper - z),
    }


def _background(run_context: RunContext) -> dict[str, NDArray[np.float64]]:
    """Mean and spread of the half-size tomogram, far wider than any particle."""
    half_size = run_context.resolutions.levels[1]
    mean, square = half_size, np.square(half_size)
    for _ in range(BACKGROUND_HALVINGS):
        mean, square = halved(mean), halved(square)
    stride = 2 ** (1 + BACKGROUND_HALVINGS)
    voxel_size = run_context.resolutions.voxel_size_zyx_angstrom
    sigma = BACKGROUND_SIGMA_ANGSTROM / (voxel_size * stride)
    blurred = np.stack(
        [ndimage.gaussian_filter(volume, sigma, mode="nearest") for volume in (mean, square)]
    )
    at = at_positions(blurred, run_context.positions_xyz_angstrom, voxel_size, stride)
    variance = at[:, 1] - np.square(at[:, 0])
    return {
        "context_background_mean": at[:, 0].astype(np.float64),
        "context_background_std": np.sqrt(np.maximum(variance, 0)).astype(np.float64),
    }
