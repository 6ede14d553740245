"""Overlapping windows over a tomogram, and the blending of their answers."""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# Weight of a window's outermost voxels: small, so that voxels which see little context count
# little, but never zero, so that every voxel of the tomogram has an answer.
EDGE_WEIGHT = 0.05
# What a quotient that is a whole number may be off by; more would be a window too many.
ROUNDING = 1e-9


def window_starts(length: int, window: int, overlap: float, multiple: int) -> list[int]:
    """First voxels of windows that cover ``length`` voxels along one axis.

    Parameters
    ----------
    length : int
        Voxels along the axis, at least ``window``.
    window : int
        Side of a window.
    overlap : float
        Least share of a window that overlaps the next, give or take the rounding of the starts.
    multiple : int
        Starts are multiples of this (the output stride).

    Returns
    -------
    list of int
        Evenly spread; the last window ends at ``length`` or, where the stride does not divide,
        less than ``multiple`` before it.
    """
    last = (length - window) // multiple * multiple
    if last <= 0:
        return [0]
    steps = _further_windows(last, window, overlap)
    starts = np.linspace(0, last, steps + 1).astype(int) // multiple * multiple
    return [int(start) for start in np.unique(starts)]


def _further_windows(length: int, window: int, overlap: float) -> int:
    """Count the windows that cover ``length`` voxels beyond a first one."""
    return math.ceil(length / (window * (1 - overlap)) - ROUNDING)


def blend_weights(window_zyx: Sequence[int], overlap: float) -> Tensor:
    """Weights (Z, Y, X) of a window's voxels: 1 inside, falling linearly in the overlap."""
    weights = torch.ones(1)
    for side in window_zyx:
        ramp = max(side * overlap, 1.0)
        from_edge = torch.minimum(torch.arange(side) + 0.5, side - torch.arange(side) - 0.5)
        axis = (from_edge / ramp).clamp(EDGE_WEIGHT, 1.0)
        weights = weights[..., None] * axis
    return weights[0]


def fitting_window(
    shape_zyx: Sequence[int],
    largest_zyx: Sequence[int],
    overlap: float,
    multiple: int,
    output_stride: int = 1,
) -> tuple[int, ...]:
    """Sides of the smallest windows that cover a volume, as few along each axis as the largest.

    Windows of the largest sides would mostly overlap by more than is asked for, which costs time
    and gains nothing.

    Parameters
    ----------
    shape_zyx : sequence of int
        Sides of the volume.
    largest_zyx : sequence of int
        Largest sides of a window, multiples of ``multiple``.
    overlap : float
        Least share of a window that overlaps the next.
    multiple : int
        Sides are multiples of this.
    output_stride : int
        The volume is going to be padded to multiples of this, which the windows have to cover.

    Returns
    -------
    tuple of int
    """
    sides = []
    for unpadded, largest in zip(shape_zyx, largest_zyx, strict=True):
        length = -(-unpadded // output_stride) * output_stride
        further = max(0, _further_windows(length - largest, largest, overlap))
        # The first window covers a side, each further one adds what does not overlap.
        side = math.ceil(length / (1 + further * (1 - overlap)))
        sides.append(min(largest, -(-side // multiple) * multiple))
    return tuple(sides)


def padded_shape(
    shape_zyx: Sequence[int], window_zyx: Sequence[int], multiple: int
) -> tuple[int, ...]:
    """Sides of a volume after :func:`padded_to_windows`."""
    return tuple(
        max(-(-side // multiple) * multiple, window)
        for side, window in zip(shape_zyx, window_zyx, strict=True)
    )


def padded_to_windows(
    volume_zyx: NDArray[np.float32], window_zyx: Sequence[int], multiple: int
) -> NDArray[np.float32]:
    """Pad a volume at its far ends to at least a window, and to multiples of the stride.

    What needs no padding is returned as it is.
    """
    wanted_zyx = padded_shape(volume_zyx.shape, window_zyx, multiple)
    if wanted_zyx == volume_zyx.shape:
        return volume_zyx
    padding = [(0, b - a) for a, b in zip(volume_zyx.shape, wanted_zyx, strict=True)]
    return np.pad(volume_zyx, padding, mode="reflect" if min(volume_zyx.shape) > 1 else "edge")


def predict_blended(
    volume_zyx: NDArray[np.float32],
    answer: Callable[[Tensor], Tensor],
    window_zyx: Sequence[int],
    overlap: float,
    output_stride: int,
) -> Tensor:
    """Run ``answer`` on every window of a volume and blend the overlaps.

    The maps are a running sum where they were computed, so that a single copy of them is in memory
    and a GPU hands them over once.

    Parameters
    ----------
    volume_zyx : ndarray, (Z, Y, X), float32
        Any sides; smaller ones than a window are padded by reflection.
    answer : callable
        Maps (1, 1, z, y, x) to (1, C, z/s, y/s, x/s).
    window_zyx : sequence of int
        Sides of a window, multiples of ``output_stride``.
    overlap : float
        Least overlap of neighbouring windows, as a share of their side.
    output_stride : int
        s above.

    Returns
    -------
    Tensor, (C, ceil(Z/s), ceil(Y/s), ceil(X/s)), float32, on the CPU
    """
    stride = output_stride
    padded = padded_to_windows(volume_zyx, window_zyx, stride)
    map_shape = tuple(side // stride for side in padded.shape)
    weights = blend_weights([side // stride for side in window_zyx], overlap)
    blended: Tensor | None = None
    source = torch.from_numpy(padded)
    for start_zyx in window_boxes(padded.shape, window_zyx, overlap, stride):
        box = tuple(slice(a, a + b) for a, b in zip(start_zyx, window_zyx, strict=True))
        map_box = tuple(slice(side.start // stride, side.stop // stride) for side in box)
        maps = answer(source[box][None, None])[0].float()
        if blended is None:
            blended = torch.zeros((maps.shape[0], *map_shape), device=maps.device)
            weights = weights.to(maps.device)
            weight_sum = torch.zeros(map_shape, device=maps.device)
        blended[(slice(None), *map_box)].addcmul_(maps, weights)
        weight_sum[map_box] += weights
    assert blended is not None
    blended /= weight_sum
    end_zyx = [-(-side // stride) for side in volume_zyx.shape]
    return blended[:, : end_zyx[0], : end_zyx[1], : end_zyx[2]].cpu()


def window_boxes(
    shape_zyx: Sequence[int], window_zyx: Sequence[int], overlap: float, multiple: int
) -> Iterator[tuple[int, int, int]]:
    """First voxels zyx of all windows that cover a volume."""
    starts = [
        window_starts(length, window, overlap, multiple)
        for length, window in zip(shape_zyx, window_zyx, strict=True)
    ]
    for z in starts[0]:
        for y in starts[1]:
            for x in starts[2]:
                yield z, y, x
