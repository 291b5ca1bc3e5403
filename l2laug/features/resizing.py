"""Images at the size that a net of someone else's wants, resized as clean-fid does."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from l2laug.core.arrays import Pixels, to_unit


def resized(pixels: Pixels, side: int) -> Tensor:
    """uint8 ``(N, C, S, S)``, grey or RGB, to float RGB ``(N, 3, side, side)``, black 0, white 1.

    Bicubic with antialiasing and without rounding to 8 bits (Parmar et al. 2022, "clean-fid").
    """
    x = (torch.from_numpy(to_unit(pixels)) + 1) / 2
    if x.shape[-1] != side:
        x = F.interpolate(x, (side, side), mode="bicubic", antialias=True)
    return x.expand(-1, 3, -1, -1)
