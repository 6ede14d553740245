"""The embedding's prototypes: what the features of each particle type look like on average."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from picking.config import Stage1Settings
from stage1_proposals.device.compute_device import ComputeDevice
from stage1_proposals.network.unet import ProposalNetwork
from stage1_proposals.training.crops import TrainingVolume, draw_batch

# Batches from which the prototypes are averaged: enough for every type to be seen many times.
PROTOTYPE_BATCHES = 16
# Keeps an unseen type's prototype at zero instead of undefined.
TINY_NORM = 1e-6


@torch.no_grad()
def set_prototypes(
    network: ProposalNetwork,
    volumes: Sequence[TrainingVolume],
    settings: Stage1Settings,
    device: ComputeDevice,
    rng: np.random.Generator,
) -> None:
    """Measure and store the mean features, and each type's unit prototype, in ``network``.

    A prototype is the target-weighted mean of the features less their overall mean, scaled to
    length 1. It is made from the training runs alone.

    Parameters
    ----------
    network : ProposalNetwork
        Trained network on ``device``; its prototype buffers are filled in.
    volumes : sequence of TrainingVolume
        The training runs.
    settings : Stage1Settings
        Section ``stage1_proposals``.
    device : ComputeDevice
        Where to compute.
    rng : numpy.random.Generator
        Draws the crops.
    """
    network.eval()
    fine, coarse = _Sums(), _Sums()
    for _ in range(PROTOTYPE_BATCHES):
        batch = draw_batch(volumes, settings, rng)
        with device.autocast():
            output = network(batch.volumes.to(device.device))
        weights = (batch.targets * batch.counted).to(device.device)
        fine.add(output.fine_features, weights)
        coarse.add(output.coarse_features, weights)
    network.fine_mean.copy_(fine.mean())
    network.fine_prototypes.copy_(fine.prototypes())
    network.coarse_mean.copy_(coarse.mean())
    network.coarse_prototypes.copy_(coarse.prototypes())


class _Sums:
    """Running sums of features, overall and weighted by each type's target."""

    def __init__(self) -> None:
        self.total: Tensor | float = 0.0
        self.voxels = 0
        self.weighted: Tensor | float = 0.0
        self.weights: Tensor | float = 0.0

    def add(self, features: Tensor, weights: Tensor) -> None:
        features = features.float()
        pooled = torch.nn.functional.adaptive_max_pool3d(weights, features.shape[2:])
        self.total = self.total + features.sum(dim=(0, 2, 3, 4))
        self.voxels += features[:, 0].numel()
        self.weighted = self.weighted + torch.einsum("nfzyx,ntzyx->tf", features, pooled)
        self.weights = self.weights + pooled.sum(dim=(0, 2, 3, 4))

    def mean(self) -> Tensor:
        return torch.as_tensor(self.total) / self.voxels

    def prototypes(self) -> Tensor:
        weights = torch.as_tensor(self.weights)[:, None]
        seen = weights > 0
        means = torch.as_tensor(self.weighted) / weights.clamp_min(TINY_NORM)
        centred = torch.where(seen, means - self.mean(), torch.zeros_like(means))
        lengths: Tensor = centred.norm(dim=1, keepdim=True)
        return centred / lengths.clamp_min(TINY_NORM)
