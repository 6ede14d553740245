"""Gradient: edges of the particle, and how well it fits a blob of its own size.

Blob responses are scale-normalised Laplacians and differences of Gaussians (T. Lindeberg,
"Feature detection with automatic scale selection", 1998), at fractions of the particle's radius.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from features.feature import Feature, Measured
from features.subtomograms import Subtomograms
from picking.config import FeatureSettings
from picking.particle_grid import EXTENT_RADII, particle_grid

# Zones of a particle, radii: the blurred edge lies in the rim.
ZONES_RADII = {"core": (0.0, 0.5), "rim": (0.7, 1.2), "surround": (1.2, EXTENT_RADII)}
LAPLACIAN_SIGMAS_RADII = {"fine": 0.2, "middle": 0.35, "coarse": 0.55}
# A ball of radius r answers most strongly to a Laplacian of sigma r / sqrt(3) = 0.58 r.
DIFFERENCE_SIGMAS_RADII = {"inner": (0.2, 0.4), "outer": (0.4, 0.8)}
SMALLEST_GRADIENT = 1e-3  # sigma per radius; a flat cube has no direction


def declared(settings: FeatureSettings) -> tuple[Feature, ...]:
    """Features of this family, in the order of the table."""
    entries = []
    for zone, (inner, outer) in ZONES_RADII.items():
        bounds = f"{inner:g} to {outer:g} radii"
        entries += [
            (f"magnitude_{zone}", "sigma per radius", f"mean length of the gradient, {bounds}"),
            (f"radial_{zone}", "sigma per radius", f"mean outward gradient, {bounds}"),
        ]
    entries += [
        ("radial_share_rim", "1", "outward share of the gradient's energy in the rim; 0 if flat"),
        ("z_share_rim", "1", "share of the gradient's energy along z in the rim; 0 if flat"),
    ]
    entries += [
        (f"laplacian_{name}", "sigma", f"Laplacian of Gaussian at {sigma:g} radii: high if dark")
        for name, sigma in LAPLACIAN_SIGMAS_RADII.items()
    ]
    entries += [
        (f"difference_{name}", "sigma", f"Gaussian of {wide:g} minus of {narrow:g} radii")
        for name, (narrow, wide) in DIFFERENCE_SIGMAS_RADII.items()
    ]
    return tuple(
        Feature(f"gradient_{name}", unit, "gradient", meaning) for name, unit, meaning in entries
    )


def gaussian_weights(sigma_radii: float) -> NDArray[np.float64]:
    """Averaging weights (P,) of a Gaussian about the centre, cut off at the cube's ball."""
    grid = particle_grid()
    weights = np.exp(-0.5 * np.square(grid.distance / sigma_radii)) * grid.ball
    return np.asarray(weights / weights.sum())


@cache
def _blob_kernels() -> NDArray[np.float32]:
    """Kernels (P, responses): Laplacians, then differences; all answer 0 to a flat cube."""
    grid = particle_grid()
    kernels = []
    for sigma in LAPLACIAN_SIGMAS_RADII.values():
        # sigma² times the Laplacian of a Gaussian: (r²/sigma² - 3) G.
        kernel = (np.square(grid.distance / sigma) - 3) * gaussian_weights(sigma)
        kernel[grid.ball] -= kernel.sum() / grid.ball.sum()
        kernels.append(kernel)
    for narrow, wide in DIFFERENCE_SIGMAS_RADII.values():
        kernels.append(gaussian_weights(wide) - gaussian_weights(narrow))
    return np.stack(kernels, axis=1).astype(np.float32)


def measure(subtomograms: Subtomograms, settings: FeatureSettings) -> Measured:
    """Measure this family on n cubes of one particle type; values (n,) by feature name."""
    grid = particle_grid()
    measured: Measured = {}
    for zone, (inner, outer) in ZONES_RADII.items():
        points = grid.between(inner, outer)
        along = [axis[:, points] for axis in subtomograms.gradient_axes]  # z, y, x: (n, points)
        outward = grid.offsets_zyx[points] / np.maximum(grid.distance[points], 1e-9)[:, None]
        outward = outward.astype(np.float32)
        radial = along[0] * outward[:, 0] + along[1] * outward[:, 1] + along[2] * outward[:, 2]
        energy = np.square(along[0]) + np.square(along[1]) + np.square(along[2])
        measured[f"gradient_magnitude_{zone}"] = np.sqrt(energy).mean(axis=1)
        measured[f"gradient_radial_{zone}"] = radial.mean(axis=1)
        if zone == "rim":
            total = np.maximum(energy.sum(axis=1), SMALLEST_GRADIENT**2)
            measured["gradient_radial_share_rim"] = np.square(radial).sum(axis=1) / total
            measured["gradient_z_share_rim"] = np.square(along[0]).sum(axis=1) / total
    responses = subtomograms.values @ _blob_kernels()  # (n, responses)
    names = [f"laplacian_{name}" for name in LAPLACIAN_SIGMAS_RADII]
    names += [f"difference_{name}" for name in DIFFERENCE_SIGMAS_RADII]
    for column, name in enumerate(names):
        measured[f"gradient_{name}"] = responses[:, column]
    return measured
