"""Crops that are turned by any angle about z: for augmentation."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional


def rotated_crop(
    volume: Tensor, start_zyx: Sequence[int], sides_zyx: Sequence[int], angle: float
) -> Tensor:
    """Cut a box that is turned about its own z axis, interpolating linearly.

    Parameters
    ----------
    volume : Tensor, (C, Z, Y, X)
        What is cut from; any real dtype.
    start_zyx : sequence of int
        First voxel of the box before it is turned about its middle.
    sides_zyx : sequence of int
        Sides of the box; along z it lies inside the volume.
    angle : float
        Angle of the turn, radians, from x towards y.

    Returns
    -------
    Tensor, (C, z, y, x), float32
        0 where the turned box reaches out of the volume.
    """
    (z, y, x), (depth, height, width) = start_zyx, sides_zyx
    middle_yx = (y + (height - 1) / 2, x + (width - 1) / 2)
    from_middle_y = (torch.arange(height) - (height - 1) / 2)[:, None]
    from_middle_x = (torch.arange(width) - (width - 1) / 2)[None, :]
    cosine, sine = math.cos(angle), math.sin(angle)
    source_y = middle_yx[0] + sine * from_middle_x + cosine * from_middle_y  # (y, x) voxel indices
    source_x = middle_yx[1] + cosine * from_middle_x - sine * from_middle_y
    # Only the surroundings of the turned box are interpolated from.
    first_y, end_y = _reach(source_y, volume.shape[-2])
    first_x, end_x = _reach(source_x, volume.shape[-1])
    around = volume[:, z : z + depth, first_y:end_y, first_x:end_x].float()
    channels = around.flatten(0, 1)[None]  # all z alike: (1, C * z, Y, X)
    grid = torch.stack(
        [
            2 * (source_x - first_x) / max(end_x - first_x - 1, 1) - 1,
            2 * (source_y - first_y) / max(end_y - first_y - 1, 1) - 1,
        ],
        dim=-1,
    )
    turned = functional.grid_sample(
        channels,
        grid[None].to(volume.device),
        mode="bilinear",
        padding_mode="zeros",
        align_corners=True,
    )
    return torch.unflatten(turned[0], 0, around.shape[:2])


def _reach(source: Tensor, length: int) -> tuple[int, int]:
    """First index and end of the voxels, within 0 to ``length``, that lie around the indices."""
    first = int(np.clip(math.floor(float(source.min())), 0, length - 1))
    return first, int(np.clip(math.ceil(float(source.max())) + 1, first + 1, length))
