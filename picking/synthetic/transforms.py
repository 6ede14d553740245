"""Fourier transforms of volumes, cut into pieces that do not depend on the number of threads.

scipy's own threads split an axis by their number, and its vectorised and plain code round
differently: the last bit would depend on the machine's load. Here every plane is one piece.
"""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from picking.threads import in_threads, slices_of

Result = TypeVar("Result")

# Rows (y) of a volume that are transformed along z in one piece.
ROWS_TOGETHER = 8


def for_each_plane(function: Callable[[int], Result], number: int, workers: int) -> list[Result]:
    """Call a function with 0 ... number - 1 on several threads; results in that order."""
    return in_threads(function, range(number), workers)


def _transform_along_z(
    transform: NDArray[np.complex64],
    along: Callable[..., NDArray[np.complex64]],
    workers: int,
) -> None:
    """Transform (Z, Y, X/2+1) along z in place."""

    def piece(rows: slice) -> None:
        transform[:, rows] = along(transform[:, rows], axis=0)

    in_threads(piece, slices_of(transform.shape[1], ROWS_TOGETHER), workers)


def forward_transform(volume_zyx: NDArray[np.float32], workers: int) -> NDArray[np.complex64]:
    """Transform a real volume, (Z, Y, X) float32, into (Z, Y, X/2+1) complex64, as rfftn does."""
    depth, rows, columns = volume_zyx.shape
    transform = np.empty((depth, rows, columns // 2 + 1), dtype=np.complex64)

    def plane(z: int) -> None:
        transform[z] = scipy.fft.rfft2(volume_zyx[z])

    for_each_plane(plane, depth, workers)
    _transform_along_z(transform, scipy.fft.fft, workers)
    return transform


def inverse_transform(
    transform: NDArray[np.complex64], shape_zyx: tuple[int, int, int], workers: int
) -> NDArray[np.float32]:
    """Transform back to a real volume, (Z, Y, X) float32; the transform's memory is used up."""
    _transform_along_z(transform, scipy.fft.ifft, workers)
    volume_zyx = np.empty(shape_zyx, dtype=np.float32)

    def plane(z: int) -> None:
        volume_zyx[z] = scipy.fft.irfft2(transform[z], shape_zyx[1:])

    for_each_plane(plane, shape_zyx[0], workers)
    return volume_zyx
