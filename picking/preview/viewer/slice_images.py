"""A tomogram's slices as JPEG images that together stay below a number of bytes."""

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from picking.coordinates import indices_zyx_to_angstrom_xyz
from picking.files.tomogram import Tomogram
from picking.preview.slices import grey, grey_limits

# Half size: particles keep ten pixels and more, and there is an eighth of the voxels.
LEAST_BINNING = 2
# JPEG qualities, best first. Above 90 a file grows without looking better; below 30 blocks of
# eight pixels show, and larger voxels look better.
QUALITIES = (90, 80, 70, 60, 50, 40, 30)
# Nothing smaller than a few pixels a side is tried, however little room there is.
LEAST_SIDE = 8
# Of heights, Å: a thousandth of a voxel.
HEIGHT_DECIMALS = 2


@dataclass(frozen=True)
class SliceImages:
    """Slices from low to high z, with their places.

    Parameters
    ----------
    base64_jpegs : tuple of str
        One grey JPEG image for each slice, y upwards.
    heights_angstrom : tuple of float
        z of each slice's middle, Å.
    extent_angstrom : tuple of float
        Positions of the images' left, right, lower and upper edge, Å.
    """

    base64_jpegs: tuple[str, ...]
    heights_angstrom: tuple[float, ...]
    extent_angstrom: tuple[float, float, float, float]


def slice_images(tomogram: Tomogram, most_bytes: int) -> SliceImages:
    """Turn a tomogram into the best images that fit.

    Half size in x, y and z at the highest of :data:`QUALITIES` that fits. A tomogram that is too
    large for the lowest one is made smaller in steps.

    Parameters
    ----------
    tomogram : Tomogram
        What to show; black and white are the same values in all slices.
    most_bytes : int
        Length of all images together, as base64.

    Returns
    -------
    SliceImages
    """
    for binning in count(LEAST_BINNING):
        values_zyx = binned(tomogram.values_zyx, binning)
        grey_zyx = grey(values_zyx, grey_limits(values_zyx))
        for quality in QUALITIES:
            images = _encoded(grey_zyx, quality, most_bytes)
            if images is not None:
                return _placed(images, grey_zyx.shape, tomogram, binning)
        if max(grey_zyx.shape) <= LEAST_SIDE:
            break
    return _placed(tuple(_jpegs(grey_zyx, QUALITIES[-1])), grey_zyx.shape, tomogram, binning)


def binned(values_zyx: NDArray[np.float32], binning: int) -> NDArray[np.float32]:
    """Average blocks of ``binning`` voxels a side; at the upper borders they may be smaller."""
    result = values_zyx
    # z first, because what it leaves is quick to average further.
    for axis, size in enumerate(values_zyx.shape):
        along_axis = np.moveaxis(result, axis, 0)
        blocks = along_axis[::binning].copy()
        for offset in range(1, binning):
            part = along_axis[offset::binning]
            blocks[: len(part)] += part
        lengths = np.minimum(binning, size - np.arange(0, size, binning))
        blocks /= lengths.astype(np.float32)[:, None, None]
        result = np.moveaxis(blocks, 0, axis)
    return result


def _encoded(grey_zyx: NDArray[np.uint8], quality: int, most_bytes: int) -> tuple[str, ...] | None:
    """Images of one quality, or None as soon as they are too long."""
    images = []
    length = 0
    for image in _jpegs(grey_zyx, quality):
        images.append(image)
        length += len(image)
        if length > most_bytes:
            return None
    return tuple(images)


def _jpegs(grey_zyx: NDArray[np.uint8], quality: int) -> Iterator[str]:
    for grey_yx in grey_zyx:
        buffer = io.BytesIO()
        # Rows of an image go downwards.
        Image.fromarray(grey_yx[::-1]).save(buffer, format="jpeg", quality=quality, optimize=True)
        yield base64.b64encode(buffer.getvalue()).decode("ascii")


def _placed(
    images: tuple[str, ...], shape_zyx: tuple[int, ...], tomogram: Tomogram, binning: int
) -> SliceImages:
    # Voxels reach half their size beyond their centres.
    corners = np.array([[-0.5] * 3, np.array(shape_zyx) - 0.5])
    voxel_size = tomogram.voxel_size_zyx_angstrom
    (left, low, _), (right, high, _) = indices_zyx_to_angstrom_xyz(
        corners, voxel_size, binning
    ).tolist()
    middles = np.zeros((len(images), 3))
    middles[:, 0] = np.arange(len(images))
    heights = indices_zyx_to_angstrom_xyz(middles, voxel_size, binning)[:, 2]
    return SliceImages(
        images, tuple(heights.round(HEIGHT_DECIMALS).tolist()), (left, right, low, high)
    )
