"""Random affine changes of image batches, on the device that holds them."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from l2laug.nn.batches import to_device


def random_affine(
    x: Tensor,
    random: torch.Generator,
    *,
    strength: float = 1.0,
) -> Tensor:
    """Turn, move, scale and shear each image by its own random amount.

    Args:
        x: ``(N, C, S, S)`` in [-1, 1]; what comes in from outside repeats the border.
        random: a CPU generator.
        strength: 1 turns by up to 12 degrees either way, moves by up to a tenth of the side,
            scales and slants by up to 15 %; other values in proportion.
    """

    def within(limit: float) -> Tensor:
        return (torch.rand(len(x), generator=random) * 2 - 1) * limit * strength

    turn = within(math.radians(12))
    size, slant = 1 + within(0.15), within(0.15)
    cos, sin = turn.cos(), turn.sin()
    theta = torch.stack(
        [
            torch.stack([cos / size, (slant * cos - sin) / size, within(0.2)], 1),
            torch.stack([sin / size, (slant * sin + cos) / size, within(0.2)], 1),
        ],
        1,
    )
    grid = F.affine_grid(to_device(theta, x.device), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)
