"""Statistics of a network's normalisation layers, adapted to the tomogram that is picked.

Batch normalisation predicts with means and variances of the training's crops. Another tomogram has
others: its ice is thicker, its defocus larger, its grey values are spread in another way. The
network's own answers tell by how much, without a label (Li et al., Adaptive batch normalization,
Pattern Recognition 80, 2018).
"""

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from stage1_proposals.device.compute_device import ComputeDevice
from stage1_proposals.network.unet import ProposalNetwork

# Crops that the statistics are measured on, all in one batch: 2 million voxels, which is a fiftieth
# of the passes over a full-size tomogram.
CROPS = 16
# Their largest sides, voxels: those of a training's crops.
CROP_ZYX = (32, 64, 64)
# Of where they lie: the same in every tomogram of a size.
SEED = 0


@torch.no_grad()
def with_adapted_statistics(
    network: ProposalNetwork, values_zyx: NDArray[np.float32], share: float, device: ComputeDevice
) -> ProposalNetwork:
    """Copy a network, its normalisation statistics moved towards those of a tomogram.

    Parameters
    ----------
    network : ProposalNetwork
        On the device and in evaluation mode; not changed.
    values_zyx : ndarray, (Z, Y, X), float32
        The tomogram, normalised; no side is smaller than ``network.settings.side_multiple``.
    share : float
        0 leaves the training's statistics, 1 takes the tomogram's alone.
    device : ComputeDevice
        Where to compute.

    Returns
    -------
    ProposalNetwork
        The network itself if nothing moves: the share is 0, or no layer has such statistics.
    """
    if not (share and any(isinstance(layer, _BatchNorm) for layer in network.modules())):
        return network
    adapted = copy.deepcopy(network)
    layers = [layer for layer in adapted.modules() if isinstance(layer, _BatchNorm)]
    for layer in layers:
        layer.momentum = 1.0  # the running statistics become those of the batch
        layer.train()
    crops = crops_of(values_zyx, network.settings.side_multiple)
    with device.autocast():
        adapted(crops.to(device.device, memory_format=device.memory_format))
    trained = (layer for layer in network.modules() if isinstance(layer, _BatchNorm))
    for layer, before in zip(layers, trained, strict=True):
        for name in ("running_mean", "running_var"):
            getattr(layer, name).lerp_(getattr(before, name), 1 - share)
    return adapted.eval()


def crops_of(values_zyx: NDArray[np.float32], multiple: int) -> Tensor:
    """Cut crops from all over a tomogram, (``CROPS``, 1, Z, Y, X); sides are multiples."""
    sides = [
        min(largest, side) // multiple * multiple
        for largest, side in zip(CROP_ZYX, values_zyx.shape, strict=True)
    ]
    rng = np.random.default_rng(SEED)
    rooms = np.array(values_zyx.shape) - sides
    starts = rng.integers(0, rooms + 1, size=(CROPS, len(sides)))
    depth, height, width = sides
    crops = [values_zyx[z : z + depth, y : y + height, x : x + width] for z, y, x in starts]
    return torch.from_numpy(np.stack(crops)[:, None])
