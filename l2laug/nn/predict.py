"""What a net says of many images, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from l2laug.core.arrays import Pixels
from l2laug.nn.batches import to_batch

BATCH = 256


@torch.no_grad()
def predict(function: Callable[[Tensor], Tensor], pixels: Pixels, device: torch.device) -> Tensor:
    """``function`` of uint8 images ``(N, C, S, S)``, as floats on the CPU.

    Args:
        function: of a batch in [-1, 1] on the device; a net in evaluation mode.
        pixels: N at least 1.
        device: where the function computes.
    """
    parts = []
    for start in range(0, len(pixels), BATCH):
        x = to_batch(torch.from_numpy(pixels[start : start + BATCH]), device)
        parts.append(function(x).float().cpu())
    return torch.cat(parts)
