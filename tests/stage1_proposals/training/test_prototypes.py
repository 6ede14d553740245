"""Prototypes: what a network's features look like at each particle type."""

import numpy as np
import torch

from picking.config import ParticleType, Stage1Settings
from stage1_proposals.device.compute_device import find_device
from stage1_proposals.network.unet import NetworkOutput, ProposalNetwork
from stage1_proposals.training.crops import prepare_volume
from stage1_proposals.training.prototypes import set_prototypes
from tests.stage1_proposals.conftest import ball_tomogram


class DarknessNetwork(ProposalNetwork):
    """Its fine features are 0, but for the first one, which is the volume's darkness."""

    def forward(self, volumes: torch.Tensor) -> NetworkOutput:
        output = super().forward(volumes)
        darkness = torch.nn.functional.avg_pool3d(-volumes, self.settings.output_stride)
        fine = torch.zeros_like(output.fine_features)
        fine[:, :1] = darkness
        return output._replace(fine_features=fine)


def test_a_prototype_points_to_what_marks_its_type(
    particles: tuple[ParticleType, ...], tiny_settings: Stage1Settings
) -> None:
    volumes = [
        prepare_volume(*ball_tomogram(run, i), particles, tiny_settings)
        for i, run in enumerate("ab")
    ]
    torch.manual_seed(0)
    network = DarknessNetwork("resnet18", tiny_settings.network, len(particles))
    set_prototypes(network, volumes, tiny_settings, find_device(1), np.random.default_rng(0))
    # Balls are dark; there is no giant, so that nothing is like one.
    ball, giant = network.fine_prototypes
    assert ball[0] > 0.99
    assert torch.all(giant == 0)
    assert abs(float(network.coarse_prototypes[0].norm()) - 1) < 1e-5
    with torch.no_grad():
        volume = torch.zeros(1, 1, 16, 16, 16)
        volume[..., :8] = -3  # as dark as a ball, beside what is as bright as the surround
        similarity = network.embedding(network(volume))[0, 0]
    assert similarity[..., :4].min() > 0.9
    assert similarity[..., 4:].max() < 0.1
