"""Pixels to what the networks take: the torch twin of :func:`l2laug.images.to_unit`."""

from __future__ import annotations

import torch
from torch import Tensor

from l2laug.core.arrays import HALF_RANGE


def to_batch(pixels: Tensor, device: torch.device) -> Tensor:
    """uint8 ``(N, C, S, S)`` to floats in [-1, 1] on a device, laid out channels last."""
    unit = pixels.to(device).float() / HALF_RANGE - 1
    return unit.contiguous(memory_format=torch.channels_last)
