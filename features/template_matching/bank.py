"""Template banks: a structure in many orientations, as this tomogram would show it."""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from features.template_matching.missing_wedge import MissingWedge
from features.template_matching.orientations import even_quaternions
from features.template_matching.whitening import FINEST_ANGSTROM, frequencies
from picking.structures.structure import Structure
from picking.threads import in_threads, slices_of

# A template reaches this far beyond the radius that holds its structure, Å: the finest detail
# spreads by about half of itself.
MARGIN_ANGSTROM = FINEST_ANGSTROM / 2
# Side of the box that a template is made in, over the side that is kept: the missing wedge smears
# a structure along z, and what leaves the box on one side comes back on the other.
BOX_FACTOR = 1.5
# A structure's transform is computed at this many frequencies for each voxel of its side, so that
# it can be read off between them.
PADDING = 2
# A step may be this share longer: a voxel of 10.4 Å for 10 loses the finest 4 % of the frequencies,
# and half the step would cost eight times the points.
STEP_TOLERANCE = 0.05
# Orientations that are made at once, and what they may take, bytes: they stay near the processor's
# cache.
TOGETHER = 64
TOGETHER_BYTES = 2**25
# A bank takes no more, bytes: 600 orientations of a particle of 900 Å across. The bank of a larger
# one has fewer orientations.
MOST_BYTES = 2**27


@dataclass(frozen=True)
class TemplateBank:
    """A structure in O orientations on a grid of V points.

    Parameters
    ----------
    offsets_zyx : ndarray, (V, 3), int64
        Points relative to the centre, in voxels of the tomogram.
    templates : ndarray, (O, V), float32
        Values at the points; mean 0 and norm 1 each. Dark, as in a tomogram.
    """

    offsets_zyx: NDArray[np.int64]
    templates: NDArray[np.float32]


def grid_stride(voxel_angstrom: float) -> int:
    """Tomogram's voxels from one point of a template to the next: the most that loses nothing."""
    return max(1, int(FINEST_ANGSTROM / 2 / voxel_angstrom * (1 + STEP_TOLERANCE)))


def fitting_orientations(structure: Structure, voxel_angstrom: float, wanted: int) -> int:
    """Bound the orientations of a bank by ``MOST_BYTES``; at least one."""
    points, _, _ = _points(structure, voxel_angstrom)
    return min(wanted, max(1, MOST_BYTES // (len(points) * np.dtype(np.float32).itemsize)))


def make_bank(
    structure: Structure,
    voxel_angstrom: float,
    wedge: MissingWedge,
    orientations: int,
    threads: int = 1,
) -> TemplateBank:
    """Turn a structure, and take from it what the tilt series did not record.

    Parameters
    ----------
    structure : Structure
        The structure.
    voxel_angstrom : float
        Voxel size of the tomogram, Å.
    wedge : MissingWedge
        What was recorded.
    orientations : int
        O.
    threads : int
        Threads that share the work; the result does not depend on them.

    Returns
    -------
    TemplateBank
    """
    points, half, step = _points(structure, voxel_angstrom)
    side = scipy.fft.next_fast_len(int(np.ceil(BOX_FACTOR * (2 * half + 1))), real=True)
    kz, ky, kx = frequencies((side, side, side), np.full(3, step))
    recorded = wedge.holds(kz, ky, kx) & (kz**2 + ky**2 + kx**2 < FINEST_ANGSTROM**-2)
    recorded[0, 0, 0] = False  # the mean
    in_box = np.flatnonzero(recorded)  # (K,)
    k_xyz = np.stack(
        [np.broadcast_to(k, recorded.shape)[recorded] for k in (kx, ky, kz)], axis=1
    )  # (K, 3) xyz 1/Å
    real, imaginary, per_frequency = _transform(structure, _reach_angstrom(structure))
    middle = len(real) // 2
    turns = Rotation.from_quat(even_quaternions(orientations)).as_matrix()
    templates = np.empty((orientations, len(points)), dtype=np.float32)
    place = tuple(points.T)  # negative indices count from the end, as the transform does

    def make(some: slice) -> None:
        box = np.zeros((some.stop - some.start, recorded.size), dtype=np.complex64)
        for number, turn in enumerate(turns[some]):
            # The transform of a turned density is the turned transform.
            at = (k_xyz @ turn)[:, ::-1].T * per_frequency + middle
            box.real[number, in_box] = ndimage.map_coordinates(real, at, order=1)
            box.imag[number, in_box] = ndimage.map_coordinates(imaginary, at, order=1)
        box = box.reshape(-1, *recorded.shape)
        made = -scipy.fft.irfftn(box, s=(side, side, side), axes=(1, 2, 3))[:, *place]
        made -= made.mean(axis=1, keepdims=True)
        norm = np.linalg.norm(made, axis=1, keepdims=True)
        templates[some] = made / np.where(norm > 0, norm, 1)

    box_bytes = recorded.size * np.dtype(np.complex64).itemsize
    together = int(np.clip(TOGETHER_BYTES // box_bytes, 1, TOGETHER))
    in_threads(make, slices_of(orientations, together), threads)
    return TemplateBank(points * grid_stride(voxel_angstrom), templates)


def _reach_angstrom(structure: Structure) -> float:
    return structure.radius_angstrom + MARGIN_ANGSTROM


def _points(structure: Structure, voxel_angstrom: float) -> tuple[NDArray[np.int64], int, float]:
    """Points (V, 3) zyx of a structure's templates in steps from the centre, and their grid.

    Returns
    -------
    ndarray, (V, 3), int64
        The points.
    int
        Steps from the centre that hold them all.
    float
        The step, Å.
    """
    step = voxel_angstrom * grid_stride(voxel_angstrom)
    reach = _reach_angstrom(structure)
    half = int(np.ceil(reach / step))
    axis = np.arange(-half, half + 1)
    squared = axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2
    return np.argwhere(np.sqrt(squared) * step <= reach) - half, half, step


def _transform(
    structure: Structure, reach: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
    """Transform of a structure up to the finest detail, with frequency 0 in the middle.

    What lies beyond ``reach``, Å, noise in the corners of a large map, is left out.

    Returns
    -------
    real, imaginary : ndarray, (K, K, K), float32
        The transform.
    float
        Its frequencies per 1/Å.
    """
    middle = structure.density_zyx.shape[0] // 2
    half = min(middle, int(np.ceil(reach / structure.voxel_size_angstrom)))
    side = 2 * half + 1
    padded = side * PADDING
    axis = np.arange(side) - half
    # Reading linearly between frequencies fades a density out towards the edge of its box.
    fading = np.sinc(axis / padded) ** 2
    kept = slice(middle - half, middle + half + 1)
    density = structure.density_zyx[kept, kept, kept]
    per_frequency = padded * structure.voxel_size_angstrom
    furthest = int(per_frequency / FINEST_ANGSTROM) + 1
    # Few of the frequencies are that coarse, so products with their waves are less work, and take
    # less memory, than a fast transform of all.
    numbers = np.arange(-furthest, furthest + 1)
    waves = (np.exp(-2j * np.pi / padded * numbers[:, None] * axis) / fading).astype(np.complex64)
    in_planes = np.stack([waves @ plane @ waves.T for plane in density])  # (side, K, K)
    transform = np.tensordot(waves, in_planes, axes=1)
    return transform.real.copy(), transform.imag.copy(), per_frequency
