"""Random erasing (Zhong et al. 2020): a rectangle of each image is replaced by noise."""

from __future__ import annotations

import torch
from torch import Tensor

STRENGTHS = (0.1, 0.2, 0.4)  # the largest part of an image that is erased
PROBABILITY = 0.5


def erase(x: Tensor, random: torch.Generator, strength: float) -> Tensor:
    """Fill a random rectangle of every other image with uniform noise.

    Args:
        x: ``(N, C, S, S)`` in [-1, 1].
        random: a CPU generator.
        strength: the largest area of a rectangle, of the image's; the smallest is a fifth of it,
            and no side is over three times the other.
    """
    count, channels, high, wide = x.shape
    draws = torch.rand(5, count, generator=random)
    area = strength * (0.2 + 0.8 * draws[0])
    ratio = torch.exp((draws[1] * 2 - 1) * 1.0986)  # log 3
    h = ((area * ratio).sqrt().clamp(max=1) * high).round().long().clamp(min=1)
    w = ((area / ratio).sqrt().clamp(max=1) * wide).round().long().clamp(min=1)
    top = (draws[2] * (high - h + 1)).long()
    left = (draws[3] * (wide - w + 1)).long()
    rows, columns = torch.arange(high)[None, :, None], torch.arange(wide)[None, None, :]
    top, left, h, w = (v[:, None, None] for v in (top, left, h, w))
    inside = (rows >= top) & (rows < top + h) & (columns >= left) & (columns < left + w)
    inside &= (draws[4] < PROBABILITY)[:, None, None]
    noise = torch.rand(count, channels, high, wide, generator=random) * 2 - 1
    return torch.where(inside[:, None].to(x.device), noise.to(x.device, x.dtype), x)
