"""Convolutions on a CPU that always run in oneDNN.

In float32 torch hands some 3D convolutions to a fallback of its own, ``slow_conv3d``, which takes
two to four times as long: a batch of one whose N·C·D·H is small, and 1x1x1 kernels on one thread
(``use_mkldnn`` in torch's aten/src/ATen/native/Convolution.cpp, the same in 2.11 and 2.14).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

# A batch of one goes to oneDNN by itself only if its N·C·D·H is above this (torch's constant).
LARGEST_FALLBACK_SIZE = 20480
AXES = 3


def onednn_convolutions(volumes: Tensor) -> AbstractContextManager[object]:
    """Context in which 3D convolutions of such volumes do not take the slow fallback.

    Parameters
    ----------
    volumes : Tensor
        What the network is given. On a GPU, in mixed precision, or where torch has no oneDNN, there
        is nothing to do.
    """
    if (
        volumes.device.type != "cpu"
        or volumes.dtype != torch.float32
        or torch.is_autocast_enabled("cpu")
        or not torch.backends.mkldnn.is_available()
    ):
        return nullcontext()
    return _OneDnnConvolutions()


class _OneDnnConvolutions(TorchFunctionMode):
    """Replaces ``torch.conv3d``, whatever layer of whatever encoder calls it."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func is torch.conv3d:
            return _convolved(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _convolved(
    volumes: Tensor,  # (N, C, Z, Y, X)
    weight: Tensor,  # (O, C / groups, z, y, x)
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] | str = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Tensor:
    def convolved(batch: Tensor) -> Tensor:
        return torch.conv3d(batch, weight, bias, stride, padding, dilation, groups)

    if isinstance(padding, str) or groups != 1:
        return convolved(volumes)
    stride_zyx, padding_zyx, dilation_zyx = map(_three, (stride, padding, dilation))
    if all(side == 1 for side in (*weight.shape[2:], *stride_zyx)) and not any(padding_zyx):
        # A product over the channels, which are last in memory.
        product = functional.linear(volumes.permute(0, 2, 3, 4, 1), weight.flatten(1), bias)
        return product.permute(0, 4, 1, 2, 3)
    if len(volumes) > 1:
        return convolved(volumes)
    if not torch.is_grad_enabled():
        return torch.mkldnn_convolution(
            volumes, weight, bias, padding_zyx, stride_zyx, dilation_zyx, groups
        )
    if volumes.shape[:4].numel() > LARGEST_FALLBACK_SIZE:
        return convolved(volumes)
    # A second, empty volume: the backward pass chooses by the size of the batch as well.
    return convolved(torch.cat([volumes, torch.zeros_like(volumes)]))[:1]


def _three(sides: int | Sequence[int]) -> list[int]:
    return [sides] * AXES if isinstance(sides, int) else list(sides)
