"""Intensity: how dark the particle is, from its centre to its surroundings."""

import numpy as np
from numpy.typing import NDArray

from features.feature import Feature, Measured
from features.subtomograms import Subtomograms
from picking.config import FeatureSettings
from picking.particle_grid import EXTENT_RADII, particle_grid

BODY_PERCENTILES = (5, 50, 95)
SMALLEST_SIGMA = 1e-3  # sigma; a flat surround shall not make a ratio infinite


def declared(settings: FeatureSettings) -> tuple[Feature, ...]:
    """Features of this family, in the order of the table."""
    width = EXTENT_RADII / settings.shells
    shells = []
    for shell in range(settings.shells):
        bounds = f"{shell * width:.3g} to {(shell + 1) * width:.3g} radii"
        shells += [
            (f"shell_{shell}_mean", "sigma", f"mean of the tomogram from {bounds}"),
            (f"shell_{shell}_std", "sigma", f"spread of the tomogram from {bounds}"),
        ]
    percentiles = [
        (f"body_percentile_{percent}", "sigma", f"{percent}th percentile within one radius")
        for percent in BODY_PERCENTILES
    ]
    others = [
        ("body_std", "sigma", "standard deviation within one radius"),
        ("body_skewness", "1", "skewness within one radius; 0 if it is flat"),
        ("contrast", "sigma", "median of the surround minus mean of the body: high if dark"),
        ("contrast_to_noise", "1", "contrast over the standard deviation of the surround"),
        ("profile_slope", "sigma per radius", "slope of the radial profile out to one radius"),
        ("profile_minimum", "radii", "distance of the darkest shell from the centre"),
        ("profile_hollowness", "sigma", "innermost shell minus the darkest: high if hollow"),
        ("inside_fraction", "1", "share of the ball of 1.5 radii inside the tomogram"),
    ]
    return tuple(
        Feature(f"intensity_{name}", unit, "intensity", meaning)
        for name, unit, meaning in shells + percentiles + others
    )


def shell_weights(shells: int, extent_radii: float) -> NDArray[np.float32]:
    """Averaging weights of shells of equal width from the centre to ``extent_radii``.

    Returns
    -------
    ndarray, (P, shells), float32
        Columns sum to one; a shell so thin that no point lies in it takes the nearest points.
    """
    distance = particle_grid().distance
    width = extent_radii / shells
    number = np.where(
        distance <= extent_radii, np.minimum(np.floor(distance / width), shells - 1), -1
    )
    members = number[:, None] == np.arange(shells)
    for empty in np.flatnonzero(~members.any(axis=0)):
        away = np.abs(distance - (empty + 0.5) * width)
        members[:, empty] = np.isclose(away, away.min())
    return np.asarray(members / members.sum(axis=0), dtype=np.float32)


def measure(subtomograms: Subtomograms, settings: FeatureSettings) -> Measured:
    """Measure this family on n cubes of one particle type; values (n,) by feature name."""
    body = subtomograms.body_values
    background = subtomograms.background
    weights = shell_weights(settings.shells, EXTENT_RADII)
    centred = subtomograms.values - background[:, None]  # smaller numbers: less rounding
    shell_means = centred @ weights  # (n, shells)
    shell_variances = np.square(centred) @ weights - np.square(shell_means)
    shell_stds = np.sqrt(np.maximum(shell_variances, 0))

    sorted_body = np.sort(body, axis=1)
    body_mean = body.mean(axis=1)
    body_std = body.std(axis=1)
    deviations = (body - body_mean[:, None]) / np.maximum(body_std, SMALLEST_SIGMA)[:, None]
    surround_std = subtomograms.surround_values.std(axis=1)
    contrast = background - body_mean

    width = EXTENT_RADII / settings.shells
    shell_radii = (np.arange(settings.shells, dtype=np.float32) + 0.5) * np.float32(width)
    within = shell_radii <= 1.0
    if within.sum() > 1:
        lever = shell_radii[within] - shell_radii[within].mean()
        slope = shell_means[:, within] @ (lever / np.square(lever).sum())
    else:
        slope = (shell_means[:, 1] - shell_means[:, 0]) / np.float32(width)

    measured: Measured = {}
    for shell in range(settings.shells):
        measured[f"intensity_shell_{shell}_mean"] = shell_means[:, shell] + background
        measured[f"intensity_shell_{shell}_std"] = shell_stds[:, shell]
    for percent in BODY_PERCENTILES:
        place = round(percent / 100 * (body.shape[1] - 1))
        measured[f"intensity_body_percentile_{percent}"] = sorted_body[:, place]
    measured["intensity_body_std"] = body_std
    measured["intensity_body_skewness"] = (deviations**3).mean(axis=1)
    measured["intensity_contrast"] = contrast
    measured["intensity_contrast_to_noise"] = contrast / np.maximum(surround_std, SMALLEST_SIGMA)
    measured["intensity_profile_slope"] = slope
    measured["intensity_profile_minimum"] = shell_radii[np.argmin(shell_means, axis=1)]
    measured["intensity_profile_hollowness"] = shell_means[:, 0] - shell_means.min(axis=1)
    measured["intensity_inside_fraction"] = subtomograms.inside_fraction
    return measured
