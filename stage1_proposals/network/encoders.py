"""Encoders by name: those of segmentation-models-pytorch-3d, and its ResNets with fewer channels.

On a CPU a narrow network that sees larger crops learns more in the same time than a wide one
(docs/experiments.md). The library's ResNets have 64 channels in their first stage, whatever they
are asked for; ``resnet18-w32`` has 32, and half as many as ``resnet18`` in every other stage.
"""

import re
import warnings
from typing import Any

from torch import nn

from picking.errors import InputError

with warnings.catch_warnings():
    # Its dependency timm scripts layers at import, in a way that torch warns about a dozen times.
    warnings.simplefilter("ignore")
    from segmentation_models_pytorch_3d.encoders import encoders, get_encoder
    from segmentation_models_pytorch_3d.encoders.resnet import ResNetEncoder

# What errors name: where the configuration says which encoders there are.
ENCODERS_KEY = "stage1_proposals.ensemble.encoders"
# Of the names of timm's encoders.
TIMM_PREFIX = "tu-"
NARROW_NAME = re.compile(r"(?P<resnet>resnet\d+)-w(?P<channels>\d+)")
# The encoders' own constructors want five strides whatever the depth.
HALVING = (2, 2, 2)
ENCODER_STRIDES = (HALVING,) * 5
# Channels of the library's ResNets in the first stage; a narrow one has N of 64 in every stage.
FULL_CHANNELS = 64
LEAST_CHANNELS = 4
# Some encoders' errors list all there are.
MESSAGE_LENGTH = 100


def build_encoder(name: str, depth: int) -> nn.Module:
    """Make an untrained encoder of volumes with one channel.

    Parameters
    ----------
    name : str
        An encoder of segmentation-models-pytorch-3d, or one of its ResNets and ``-wN`` for N
        channels in the first stage, as in ``resnet18-w32``.
    depth : int
        Number of halvings.

    Raises
    ------
    InputError
        If there is no such encoder, or it cannot be built.
    """
    narrow = NARROW_NAME.fullmatch(name)
    try:
        if narrow:
            return _narrow_resnet(narrow["resnet"], int(narrow["channels"]), depth)
        encoder: nn.Module = get_encoder(
            name, in_channels=1, depth=depth, weights=None, strides=ENCODER_STRIDES
        )
    except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise InputError(
            ENCODERS_KEY,
            f"'{name}' cannot be built ({str(error)[:MESSAGE_LENGTH]})",
            "choose another, for instance resnet18",
        ) from error
    return encoder


def _narrow_resnet(resnet: str, channels: int, depth: int) -> nn.Module:
    if not LEAST_CHANNELS <= channels <= FULL_CHANNELS:
        raise ValueError(f"-w takes {LEAST_CHANNELS} to {FULL_CHANNELS} channels")
    known = encoders[resnet]["params"]
    expansion = known["block"].expansion
    return _NarrowResNet(
        channels,
        block=known["block"],
        layers=known["layers"],
        out_channels=(1, channels, *(channels * expansion * 2**stage for stage in range(4))),
        depth=depth,
        strides=ENCODER_STRIDES,
    )


class _NarrowResNet(ResNetEncoder):
    """The library's ResNet, every stage with the same share of its channels."""

    conv1: Any  # a Conv3d, whose sides torch types as tuples of any length

    def __init__(self, channels: int, **parameters: Any) -> None:
        self._channels = channels
        super().__init__(**parameters)
        # The stem was made before any stage could say how wide it is.
        self.conv1 = nn.Conv3d(
            1,
            channels,
            self.conv1.kernel_size,
            stride=self.conv1.stride,
            padding=self.conv1.padding,
            bias=False,
        )
        self.bn1 = nn.BatchNorm3d(channels)

    def _make_layer(
        self, block: type[nn.Module], planes: int, blocks: int, *strides: Any, **named: Any
    ) -> nn.Sequential:
        if planes == FULL_CHANNELS:  # the first stage, which the stem comes before
            self.inplanes = self._channels
        narrow = planes * self._channels // FULL_CHANNELS
        stage: nn.Sequential = super()._make_layer(block, narrow, blocks, *strides, **named)
        return stage
