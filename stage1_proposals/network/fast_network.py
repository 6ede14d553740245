"""A trained network made fast for prediction, without a change of what it answers."""

import copy

from torch import Tensor, autocast, nn

from stage1_proposals.device.compute_device import ComputeDevice
from stage1_proposals.network.unet import ProposalNetwork


def fast_network(network: ProposalNetwork, device: ComputeDevice) -> ProposalNetwork:
    """Copy a network to a device, with its convolutions in the device's half precision.

    All else stays in float32: the head, as half precision would tie the scores of neighbouring
    voxels, and what autocast keeps in float32.

    Parameters
    ----------
    network : ProposalNetwork
        Trained, wherever it lies; not changed.
    device : ComputeDevice
        Where it is going to predict.

    Returns
    -------
    ProposalNetwork
        In evaluation mode, to be run under ``device.autocast()``.
    """
    fast = copy.deepcopy(network).eval()
    if device.half_dtype is not None:
        for part in (fast.encoder, fast.decoder):
            for name, module in list(part.named_modules()):
                if isinstance(module, nn.Conv3d):
                    module.to(device.half_dtype)
                elif isinstance(module, nn.MaxPool3d):
                    part.set_submodule(name, PoolAsGiven(module))
    return fast.to(device.device).to(memory_format=device.memory_format)


class PoolAsGiven(nn.Module):
    """Maximum in the precision of its input, which is exact; autocast would copy it to float32."""

    def __init__(self, pool: nn.MaxPool3d) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, volumes: Tensor) -> Tensor:
        """Pool (N, C, Z, Y, X)."""
        with autocast(volumes.device.type, enabled=False):
            pooled: Tensor = self.pool(volumes)
        return pooled
