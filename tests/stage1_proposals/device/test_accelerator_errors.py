"""Faults of a graphics card are the machine's; those of what is computed are not."""

import pytest
import torch

from picking.errors import MachineError
from stage1_proposals.device.compute_device import accelerator_errors, find_device


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), "has too little memory"),
        (RuntimeError("CUDA error: device-side assert triggered"), "failed .CUDA error"),
        (RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"), "failed .cuDNN error"),
    ],
)
def test_the_card_is_named(error: RuntimeError, message: str) -> None:
    with pytest.raises(MachineError, match=message), accelerator_errors(find_device(1)):
        raise error


def test_other_errors_stay_as_they_are() -> None:
    shapes = RuntimeError("shapes cannot be multiplied")
    with pytest.raises(RuntimeError, match="shapes"), accelerator_errors(find_device(1)):
        raise shapes
