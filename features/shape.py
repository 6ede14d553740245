"""Shape: the directions in a particle's density, its dark mass, and what is joined to it.

Structure tensor and Hessian tell blobs from sheets (membranes) and edges (carbon); the inertia of
the dark mass tells a long dimer from a ball. Reconstructions are smeared along z by the missing
wedge, so the directions themselves are features too.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from features.feature import Feature, Measured
from features.gradient import gaussian_weights
from features.subtomograms import Subtomograms
from picking.config import FeatureSettings
from picking.particle_grid import GRID_SIDE, particle_grid

TENSOR_WINDOW_RADII = 0.6  # sigma of the window over which directions are gathered
HESSIAN_SIGMA_RADII = 0.5  # near the particle's own scale, see features.gradient
INERTIA_REACH_RADII = 1.25  # the particle with its blurred rim, without its neighbours
NOISE_MARGIN = 0.5  # standard deviations of the surround that do not count as mass
DARKEST_PERCENT = 10  # percentile of the body that counts as its darkest
HALF_DEPTH = 0.5  # a voxel is dark if it is nearer to the darkest than to the background
SMALLEST_ENERGY = 1e-6  # squared sigma per radius; a flat cube has no direction
SMALLEST_MASS = 1e-3  # sigma, mean over the reach; less is no mass


def declared(settings: FeatureSettings) -> tuple[Feature, ...]:
    """Features of this family, in the order of the table."""
    entries = [
        ("tensor_planarity", "1", "structure tensor (l1 - l2) / l1: 1 for a sheet; 0 if flat"),
        ("tensor_linearity", "1", "structure tensor (l2 - l3) / l1: 1 for a rod; 0 if flat"),
        ("tensor_energy", "log(sigma²/radii²)", "logarithm of the structure tensor's trace"),
        ("tensor_tilt", "1", "|z| of the strongest gradient direction, 0 to 1"),
        ("hessian_least", "sigma", "least Hessian eigenvalue at 0.5 radii: negative at edges"),
        ("hessian_middle", "sigma", "middle Hessian eigenvalue: near 0 in a sheet"),
        ("hessian_greatest", "sigma", "greatest Hessian eigenvalue: high across dark matter"),
        ("dark_mass", "sigma", "mean darkness against the surround within 1.25 radii"),
        ("gyration_radius", "radii", "radius of gyration of the dark mass; 0 without mass"),
        ("mass_offset", "radii", "distance of the dark mass's centre; 0 without mass"),
        ("elongation", "1", "1 - second/first principal width of the dark mass: 1 for a rod"),
        ("flatness", "1", "1 - third/second principal width of the dark mass: 1 for a disc"),
        ("axis_tilt", "1", "|z| of the dark mass's long axis, 0 to 1; 0 without mass"),
        ("dark_fraction", "1", "share of the body darker than half its depth"),
        ("component_volume", "bodies", "volume of the connected dark part, in balls of 1 radius"),
        ("component_leak", "1", "share of the connected dark part that lies outside the body"),
    ]
    return tuple(
        Feature(f"shape_{name}", unit, "shape", meaning) for name, unit, meaning in entries
    )


@dataclass(frozen=True)
class DarkInertia:
    """Moments of the dark mass of n cubes.

    Parameters
    ----------
    mass : ndarray, (n,), float32
        Mean darkness within the reach, sigma.
    centre_zyx : ndarray, (n, 3), float32
        Centre of mass, radii; 0 without mass.
    widths : ndarray, (n, 3), float32
        Standard deviations of the mass along its principal axes, radii, longest first.
    axes_zyx : ndarray, (n, 3, 3), float32
        Principal axes as rows, longest first.
    """

    mass: NDArray[np.float32]
    centre_zyx: NDArray[np.float32]
    widths: NDArray[np.float32]
    axes_zyx: NDArray[np.float32]


def dark_inertia(subtomograms: Subtomograms) -> DarkInertia:
    """Centre, widths and axes of what is darker than the surroundings, within 1.25 radii."""
    grid = particle_grid()
    reach = grid.between(0, INERTIA_REACH_RADII)
    offsets = grid.offsets_zyx[reach].astype(np.float32)
    noise = subtomograms.surround_values.std(axis=1)
    level = subtomograms.background - NOISE_MARGIN * noise
    darkness = np.maximum(level[:, None] - subtomograms.values[:, reach], 0)  # (n, points)
    mass = darkness.mean(axis=1)
    share = darkness / np.maximum(darkness.sum(axis=1), SMALLEST_MASS * reach.sum())[:, None]
    centre = share @ offsets
    products = (offsets[:, :, None] * offsets[:, None, :]).reshape(-1, 9)
    moments = (share @ products).reshape(-1, 3, 3) - centre[:, :, None] * centre[:, None, :]
    eigenvalues, eigenvectors = np.linalg.eigh(moments)  # ascending; axes are columns
    widths = np.sqrt(np.maximum(eigenvalues[:, ::-1], 0))
    axes = np.ascontiguousarray(eigenvectors[:, :, ::-1].transpose(0, 2, 1))
    return DarkInertia(mass, centre, widths, axes)


@cache
def _hessian_kernels() -> NDArray[np.float32]:
    """Kernels (P, 9) of sigma² times the second derivatives of a Gaussian, zz, zy ... xx."""
    grid = particle_grid()
    scaled = grid.offsets_zyx / HESSIAN_SIGMA_RADII
    products = scaled[:, :, None] * scaled[:, None, :] - np.eye(3)
    kernels = products * gaussian_weights(HESSIAN_SIGMA_RADII)[:, None, None]
    kernels[grid.ball] -= kernels.sum(axis=0) / grid.ball.sum()
    return kernels.reshape(-1, 9).astype(np.float32)


def _connected_dark_part(
    subtomograms: Subtomograms,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Dark share of the body, volume in bodies and outside share of its largest dark part."""
    grid = particle_grid()
    body = subtomograms.body_values
    place = round(DARKEST_PERCENT / 100 * (body.shape[1] - 1))
    darkest = np.partition(body, place, axis=1)[:, place]
    level = subtomograms.background + HALF_DEPTH * (darkest - subtomograms.background)
    dark = subtomograms.values < np.minimum(level, subtomograms.background)[:, None]  # (n, P)
    dark &= grid.ball
    dark_fraction = dark[:, grid.body].mean(axis=1)

    count = len(dark)
    faces = ndimage.generate_binary_structure(3, 1)
    within_one_cube = np.stack([np.zeros_like(faces), faces, np.zeros_like(faces)])
    cubes = dark.reshape(-1, GRID_SIDE, GRID_SIDE, GRID_SIDE)
    labels, number = ndimage.label(cubes, structure=within_one_cube)
    labels = labels.reshape(count, -1)
    volume = np.bincount(labels.ravel(), minlength=number + 1)
    in_body = np.bincount(labels[:, grid.body].ravel(), minlength=number + 1)
    volume[0] = in_body[0] = 0  # label 0 is what is not dark
    owner = np.zeros(number + 1, dtype=np.int64)
    owner[labels.ravel()] = np.repeat(np.arange(count), labels.shape[1])
    by_size = np.lexsort((volume, in_body, owner))
    largest = np.zeros(count, dtype=np.int64)
    largest[owner[by_size]] = by_size  # the last of each owner, its largest in the body, stays
    in_body_largest, volume_largest = in_body[largest], volume[largest]
    outside = (volume_largest - in_body_largest) / np.maximum(volume_largest, 1)
    return (
        dark_fraction.astype(np.float32),
        (volume_largest / grid.body.sum()).astype(np.float32),
        outside.astype(np.float32),
    )


def measure(subtomograms: Subtomograms, settings: FeatureSettings) -> Measured:
    """Measure this family on n cubes of one particle type; values (n,) by feature name."""
    grid = particle_grid()
    window = gaussian_weights(TENSOR_WINDOW_RADII)[grid.body].astype(np.float32)
    slopes = np.stack([axis[:, grid.body] for axis in subtomograms.gradient_axes], axis=1)
    tensor = (slopes * window) @ slopes.transpose(0, 2, 1)  # (n, 3, 3) zyx
    eigenvalues, eigenvectors = np.linalg.eigh(tensor)
    third, second, first = np.maximum(eigenvalues, 0).T
    strongest = np.maximum(first, SMALLEST_ENERGY)

    curvatures = (subtomograms.values @ _hessian_kernels()).reshape(-1, 3, 3)
    least, middle, greatest = np.linalg.eigvalsh(curvatures).T

    inertia = dark_inertia(subtomograms)
    has_mass = inertia.mass > SMALLEST_MASS
    long, across, short = np.maximum(inertia.widths, 1e-6).T
    dark_fraction, component_volume, component_leak = _connected_dark_part(subtomograms)
    return {
        "shape_tensor_planarity": (first - second) / strongest,
        "shape_tensor_linearity": (second - third) / strongest,
        "shape_tensor_energy": np.log(np.maximum(first + second + third, SMALLEST_ENERGY)),
        "shape_tensor_tilt": np.abs(eigenvectors[:, 0, 2]),
        "shape_hessian_least": least,
        "shape_hessian_middle": middle,
        "shape_hessian_greatest": greatest,
        "shape_dark_mass": inertia.mass,
        "shape_gyration_radius": np.where(
            has_mass, np.sqrt(np.square(inertia.widths).sum(axis=1)), 0
        ),
        "shape_mass_offset": np.where(has_mass, np.linalg.norm(inertia.centre_zyx, axis=1), 0),
        "shape_elongation": np.where(has_mass, 1 - across / long, 0),
        "shape_flatness": np.where(has_mass, 1 - short / across, 0),
        "shape_axis_tilt": np.where(has_mass, np.abs(inertia.axes_zyx[:, 0, 0]), 0),
        "shape_dark_fraction": dark_fraction,
        "shape_component_volume": component_volume,
        "shape_component_leak": component_leak,
    }
