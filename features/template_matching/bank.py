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

# A template reaches this far beyond the radius that holds its structure, Å: the finest detail
# spreads by about half of itself.
MARGIN_ANGSTROM = FINEST_ANGSTROM / 2
# Side of the box that a template is made in, over the side that is kept: the missing wedge smears
# a structure along z, and what leaves the box on one side comes back on the other.
BOX_FACTOR = 1.5
# Structures are padded to this many times their side, so that their transform can be read off
# between its frequencies.
PADDING = 2
# A step may be this share longer: a voxel of 10.4 Å for 10 loses the finest 4 % of the frequencies,
# and half the step would cost eight times the points.
STEP_TOLERANCE = 0.05
# Orientations that are made at once: bounds the memory.
TOGETHER = 64


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


def make_bank(
    structure: Structure, voxel_angstrom: float, wedge: MissingWedge, orientations: int
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

    Returns
    -------
    TemplateBank
    """
    stride = grid_stride(voxel_angstrom)
    step = voxel_angstrom * stride
    reach = structure.radius_angstrom + MARGIN_ANGSTROM
    half = int(np.ceil(reach / step))
    axis = np.arange(-half, half + 1)
    points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    points = points[np.linalg.norm(points, axis=1) * step <= reach]  # (V, 3) zyx

    side = scipy.fft.next_fast_len(int(np.ceil(BOX_FACTOR * (2 * half + 1))), real=True)
    kz, ky, kx = frequencies((side, side, side), np.full(3, step))
    recorded = wedge.holds(kz, ky, kx) & (kz**2 + ky**2 + kx**2 < FINEST_ANGSTROM**-2)
    recorded[0, 0, 0] = False  # the mean
    k_xyz = np.stack(
        [np.broadcast_to(k, recorded.shape)[recorded] for k in (kx, ky, kz)], axis=1
    )  # (K, 3) xyz 1/Å
    transform, per_frequency = _transform(structure, reach)
    middle = np.array(transform.shape)[:, None] // 2
    turns = Rotation.from_quat(even_quaternions(orientations)).as_matrix()
    templates = np.empty((orientations, len(points)), dtype=np.float32)
    place = tuple(points.T)  # negative indices count from the end, as the transform does
    for start in range(0, orientations, TOGETHER):
        some = turns[start : start + TOGETHER]
        box = np.zeros((len(some), *recorded.shape), dtype=np.complex64)
        for number, turn in enumerate(some):
            # The transform of a turned density is the turned transform.
            at = (k_xyz @ turn)[:, ::-1].T * per_frequency + middle
            box[number, recorded] = ndimage.map_coordinates(
                transform.real, at, order=1
            ) + 1j * ndimage.map_coordinates(transform.imag, at, order=1)
        made = scipy.fft.irfftn(box, s=(side, side, side), axes=(1, 2, 3))
        templates[start : start + len(some)] = -made[(slice(None), *place)]
    templates -= templates.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(templates, axis=1, keepdims=True)
    templates /= np.where(norm > 0, norm, 1)
    return TemplateBank(points * stride, templates)


def _transform(structure: Structure, reach: float) -> tuple[NDArray[np.complex64], float]:
    """Transform of a structure with frequency 0 in the middle, and its frequencies per 1/Å.

    What lies beyond ``reach``, Å, noise in the corners of a large map, is left out.
    """
    middle = structure.density_zyx.shape[0] // 2
    half = min(middle, int(np.ceil(reach / structure.voxel_size_angstrom)))
    side = 2 * half + 1
    padded = side * PADDING
    axis = np.arange(side) - side // 2
    # Reading linearly between frequencies fades a density out towards the edge of its box.
    fading = np.sinc(axis / padded) ** 2
    kept = slice(middle - half, middle + half + 1)
    density = structure.density_zyx[kept, kept, kept] / (
        fading[:, None, None] * fading[:, None] * fading
    )
    box = np.zeros((padded,) * 3, dtype=np.float32)
    place = slice(padded // 2 - side // 2, padded // 2 - side // 2 + side)
    box[place, place, place] = density
    transform = scipy.fft.fftshift(scipy.fft.fftn(scipy.fft.ifftshift(box)))
    return transform.astype(np.complex64), padded * structure.voxel_size_angstrom
