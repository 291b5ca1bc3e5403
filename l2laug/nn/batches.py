"""From memory to what the networks take, on their device."""

from __future__ import annotations

import torch
from torch import Tensor

from l2laug.core.arrays import HALF_RANGE


def to_device(values: Tensor, device: torch.device) -> Tensor:
    """Move a tensor to a device without waiting for what that is still at."""
    if device.type != "cuda" or values.device.type == "cuda":
        return values.to(device)
    return values.pin_memory().to(device, non_blocking=True)


def to_batch(pixels: Tensor, device: torch.device) -> Tensor:
    """uint8 ``(N, C, S, S)`` to floats in [-1, 1] on a device, laid out channels last."""
    unit = to_device(pixels, device).float() / HALF_RANGE - 1
    return unit.contiguous(memory_format=torch.channels_last)
