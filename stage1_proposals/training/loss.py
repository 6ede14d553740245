"""The loss: cross-entropy of each type's map, with the few particle voxels weighted up."""

import torch
from torch import Tensor
from torch.nn import functional


def weighted_cross_entropy(
    logits: Tensor, targets: Tensor, counted: Tensor, positive_weight: float
) -> Tensor:
    """Binary cross-entropy per type, each voxel weighted by ``1 + positive_weight * target``.

    Less than one voxel in a thousand belongs to a given type: unweighted, an empty map is a good
    answer. Winners of the CZII challenge used weights of 64 to 256 on single-voxel targets.

    Parameters
    ----------
    logits : Tensor, (N, T, Z, Y, X)
        The network's answer.
    targets : Tensor, (N, T, Z, Y, X)
        Target maps, 0 to 1.
    counted : Tensor, (N, 1, Z, Y, X)
        1 where the loss counts, else 0.
    positive_weight : float
        Extra weight of a target's centre.

    Returns
    -------
    Tensor, ()
        Weighted mean over the voxels that count.
    """
    weights = (1 + positive_weight * targets) * counted
    losses = functional.binary_cross_entropy_with_logits(
        logits.float(), targets, weight=weights, reduction="sum"
    )
    voxels = counted.sum() * logits.shape[1]
    return losses / torch.clamp(voxels, min=1)
