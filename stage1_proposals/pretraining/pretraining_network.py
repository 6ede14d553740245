"""The network with what it is pretrained for: maps of the species, and every molecule by name."""

import torch
from torch import Tensor, nn

from picking.config import NetworkSettings
from stage1_proposals.network.unet import NetworkOutput, ProposalNetwork
from stage1_proposals.pretraining.crops import NO_MOLECULE, PretrainingBatch
from stage1_proposals.training.loss import weighted_cross_entropy


class PretrainingNetwork(nn.Module):
    """A proposal network, and a linear answer to which molecule a particle's centre lies in.

    The answer is read off the features alone, so that it is they that have to tell shapes.

    Parameters
    ----------
    encoder : str
        See :func:`stage1_proposals.network.encoders.build_encoder`.
    settings : NetworkSettings
        Depth, decoder channels, output stride.
    number_of_species : int
        Species with a map of their own; one more map is for any particle.
    number_of_molecules : int
        Molecules that are told apart.
    """

    def __init__(
        self,
        encoder: str,
        settings: NetworkSettings,
        number_of_species: int,
        number_of_molecules: int,
    ) -> None:
        super().__init__()
        self.proposals = ProposalNetwork(encoder, settings, number_of_species + 1)
        features = settings.decoder_channels[0] + settings.decoder_channels[-1]
        self.molecule_head = nn.Linear(features, number_of_molecules)

    def forward(self, volumes: Tensor) -> NetworkOutput:
        """Run the proposal network."""
        output: NetworkOutput = self.proposals(volumes)
        return output

    def loss(
        self, output: NetworkOutput, batch: PretrainingBatch, positive_weight: float, weight: float
    ) -> Tensor:
        """Cross-entropy of the maps, plus ``weight`` times that of the molecules at their centres.

        Returns
        -------
        Tensor, ()
        """
        logits = output.logits
        targets, molecules = batch.targets.to(logits.device), batch.molecules.to(logits.device)
        counted = torch.ones_like(targets[:, :1])
        found = weighted_cross_entropy(logits, targets, counted, positive_weight)
        crop, z, y, x = torch.nonzero(molecules != NO_MOLECULE, as_tuple=True)
        if len(crop) == 0:
            return found
        fine, coarse = output.fine_features, output.coarse_features
        step = fine.shape[-1] // coarse.shape[-1]
        features = torch.cat(
            [fine[crop, :, z, y, x], coarse[crop, :, z // step, y // step, x // step]], dim=1
        )
        named = nn.functional.cross_entropy(
            self.molecule_head(features.float()), molecules[crop, z, y, x]
        )
        return found + weight * named
