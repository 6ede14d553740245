"""The network: an encoder and a U-Net decoder of segmentation-models-pytorch-3d.

The decoder may stop early, so that the score map is coarser than the tomogram (output stride 2 or
4): at full resolution the last block alone costs more than all the others.
"""

import warnings
from typing import NamedTuple

import torch
from torch import Tensor, nn

from picking.config import NetworkSettings
from picking.errors import InputError
from stage1_proposals.network.convolutions import onednn_convolutions
from stage1_proposals.network.encoders import ENCODERS_KEY, HALVING, build_encoder

with warnings.catch_warnings():
    # Its dependency timm scripts layers at import, in a way that torch warns about a dozen times.
    warnings.simplefilter("ignore")
    from segmentation_models_pytorch_3d.base import SegmentationHead
    from segmentation_models_pytorch_3d.base import initialization as smp_initialization
    from segmentation_models_pytorch_3d.decoders.unet.decoder import UnetDecoder

# A sigmoid of about 0.01: voxels of particles are rare, and training starts from that.
RARE_PARTICLE_LOGIT = -4.6
# Side, voxels, of the probe that checks an encoder: the smallest multiple of every 2**depth.
PROBE_SIDE = 32
# Keeps a cosine finite where the features vanish.
TINY_NORM = 1e-6


class NetworkOutput(NamedTuple):
    """What the network says of a batch of windows."""

    logits: Tensor  # (N, T, Z/s, Y/s, X/s)
    fine_features: Tensor  # (N, F, Z/s, Y/s, X/s), the decoder's last block
    coarse_features: Tensor  # (N, G, Z/c, Y/c, X/c), the decoder's first block


class ProposalNetwork(nn.Module):
    """Score maps of every particle type, and features from which an embedding is made.

    Parameters
    ----------
    encoder : str
        See :func:`stage1_proposals.network.encoders.build_encoder`.
    settings : NetworkSettings
        Depth, decoder channels, output stride.
    number_of_types : int
        Particle types, T.

    Raises
    ------
    InputError
        If the encoder is unknown, or does not halve its input as it should.
    """

    fine_mean: Tensor
    fine_prototypes: Tensor
    coarse_mean: Tensor
    coarse_prototypes: Tensor

    def __init__(self, encoder: str, settings: NetworkSettings, number_of_types: int) -> None:
        super().__init__()
        self.encoder_name = encoder
        self.settings = settings
        self.encoder = build_encoder(encoder, settings.depth)
        called = self._check_halvings()
        drop_uncalled(self.encoder, called)
        blocks = len(settings.decoder_channels)
        self.decoder = UnetDecoder(
            encoder_channels=self.encoder.out_channels,
            decoder_channels=settings.decoder_channels,
            n_blocks=blocks,
            center=encoder.startswith("vgg"),
            strides=(HALVING,) * blocks,
        )
        fine_channels = settings.decoder_channels[-1]
        coarse_channels = settings.decoder_channels[0]
        self.head = SegmentationHead(fine_channels, number_of_types, kernel_size=1)
        smp_initialization.initialize_decoder(self.decoder)
        nn.init.constant_(self.head[0].bias, RARE_PARTICLE_LOGIT)
        # Filled in after training by stage1_proposals.training.prototypes.
        self.register_buffer("fine_mean", torch.zeros(fine_channels))
        self.register_buffer("fine_prototypes", torch.zeros(number_of_types, fine_channels))
        self.register_buffer("coarse_mean", torch.zeros(coarse_channels))
        self.register_buffer("coarse_prototypes", torch.zeros(number_of_types, coarse_channels))

    def _check_halvings(self) -> set[nn.Module]:
        """Check the sides of the encoder's answers; return the modules that made them."""
        # Some encoders ignore `strides` and return the wrong size in silence.
        called: set[nn.Module] = set()
        hooks = [
            module.register_forward_pre_hook(lambda module, _: called.add(module))
            for module in self.encoder.modules()
        ]
        was_training = self.encoder.training
        self.encoder.eval()
        try:
            with torch.no_grad():
                features = self.encoder(torch.zeros(1, 1, PROBE_SIDE, PROBE_SIDE, PROBE_SIDE))
            sides = [tuple(feature.shape[2:]) for feature in features]
        except RuntimeError as error:
            raise InputError(
                ENCODERS_KEY,
                f"'{self.encoder_name}' fails on a volume ({error})",
                "choose another, for instance resnet18",
            ) from error
        finally:
            self.encoder.train(was_training)
            for hook in hooks:
                hook.remove()
        wanted = [(PROBE_SIDE >> level,) * 3 for level in range(self.settings.depth + 1)]
        if sides != wanted:
            raise InputError(
                ENCODERS_KEY,
                f"'{self.encoder_name}' does not halve its input at every level",
                "choose another, for instance resnet18",
            )
        return called

    def forward(self, volumes: Tensor) -> NetworkOutput:
        """Run on normalised volumes.

        Parameters
        ----------
        volumes : Tensor, (N, 1, Z, Y, X)
            Sides are multiples of ``settings.side_multiple``.

        Returns
        -------
        NetworkOutput
        """
        with onednn_convolutions(volumes):
            features = self.encoder(volumes)[1:][::-1]  # coarsest first, the input left out
            decoded = self.decoder.center(features[0])
            for level, block in enumerate(self.decoder.blocks):
                skip = features[level + 1] if level + 1 < len(features) else None
                decoded = block(decoded, skip)
                if level == 0:
                    coarse = decoded
        # The head runs in the weights' precision: bfloat16 logits would tie neighbouring voxels.
        with torch.autocast(volumes.device.type, enabled=False):
            decoded_exactly = decoded.to(self.head[0].weight.dtype)
            with onednn_convolutions(decoded_exactly):
                logits = self.head(decoded_exactly)
        return NetworkOutput(logits, decoded, coarse)

    def embedding(self, output: NetworkOutput) -> Tensor:
        """Similarity of every voxel's features to the prototype of each particle type.

        Channels of two networks mean different things; similarity to a prototype means the same
        for all, so that it may be averaged over members and compared between folds.

        Returns
        -------
        Tensor, (N, 2T, Z/s, Y/s, X/s)
            Cosines, -1 to 1: T of the fine features, then T of the coarse ones, in the order of
            :func:`picking.files.embedding.embedding_channels`.
        """
        fine = _cosines(output.fine_features, self.fine_mean, self.fine_prototypes)
        coarse = _cosines(output.coarse_features, self.coarse_mean, self.coarse_prototypes)
        coarse = nn.functional.interpolate(
            coarse, size=fine.shape[2:], mode="trilinear", align_corners=False
        )
        return torch.cat([fine, coarse], dim=1)


def drop_uncalled(module: nn.Module, called: set[nn.Module]) -> None:
    """Replace what has parameters and was not called, at every depth, by nothing.

    An encoder of depth 5 that is asked for less keeps its coarsest stages, which hold most of its
    parameters: they would be averaged, written and read for nothing. timm's encoders ("tu-...") run
    them all the same, so that theirs stay.
    """
    for name, child in list(module.named_children()):
        if called.isdisjoint(child.modules()):
            if any(True for _ in child.parameters()):
                setattr(module, name, nn.Identity())
        else:
            drop_uncalled(child, called)


def _cosines(features: Tensor, mean: Tensor, prototypes: Tensor) -> Tensor:
    """Cosine of centred features (N, F, Z, Y, X) with unit prototypes (T, F): (N, T, Z, Y, X)."""
    centred = features.float() - mean.float().view(1, -1, 1, 1, 1)
    products = torch.einsum("nfzyx,tf->ntzyx", centred, prototypes.float())
    lengths: Tensor = centred.norm(dim=1, keepdim=True)
    return products / lengths.clamp_min(TINY_NORM)
