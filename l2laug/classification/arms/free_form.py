"""Random free-form deformation: a coarse grid of control points moved at random, smooth between."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from l2laug.nn.batches import to_device

POINTS = 5  # control points along a side, as in Ronneberger et al. 2015 but coarser still
STRENGTHS = (0.02, 0.04, 0.08)  # standard deviation of a control point's shift, of the side


def deform(x: Tensor, random: torch.Generator, strength: float) -> Tensor:
    """Read each image where its own 5x5 grid of randomly moved control points says.

    Args:
        x: ``(N, C, S, S)``; what comes in from outside repeats the border.
        random: a CPU generator.
        strength: standard deviation of a control point's shift along each axis, in sides.
    """
    # Coordinates of grid_sample go from -1 to 1, so a side is 2 of them.
    shifts = torch.randn(len(x), 2, POINTS, POINTS, generator=random) * (2 * strength)
    dense = F.interpolate(
        to_device(shifts, x.device), x.shape[-2:], mode="bicubic", align_corners=True
    )
    plain = torch.eye(2, 3, device=x.device).expand(len(x), 2, 3)
    grid = F.affine_grid(plain, list(x.shape), align_corners=False)
    moved = grid + dense.permute(0, 2, 3, 1)
    return F.grid_sample(x, moved, padding_mode="border", align_corners=False)
