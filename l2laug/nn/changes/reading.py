"""Reading maps and images where a flow says."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def read_at(image: Tensor, where: Tensor, *, mirrored: bool) -> Tensor:
    """Read ``(N, C, H, W)`` bilinearly where ``(N, H', W', 2)`` says: ``(N, C, H', W')``.

    An exported graph has gathers in place of the operator for it: onnxruntime's computes each
    place anew for every channel, and takes seven times as long for 64 of them.

    Args:
        image: floats, two pixels a side at least.
        where: x and y in [-1, 1] from border to border, and beyond.
        mirrored: what lies beyond the borders is the mirrored image; otherwise the border's pixels.
    """
    if torch.onnx.is_in_onnx_export():
        return gathered(image, where, mirrored=mirrored)
    mode = "reflection" if mirrored else "border"
    return F.grid_sample(image, where, padding_mode=mode, align_corners=False)


def gathered(image: Tensor, where: Tensor, *, mirrored: bool) -> Tensor:
    """What :func:`read_at` reads; all channels of a pixel are fetched at once."""
    _, channels, height, width = image.shape
    rows = image.permute(0, 2, 3, 1).reshape(-1, channels)
    x, left = _place(where[..., 0], width, mirrored)
    y, top = _place(where[..., 1], height, mirrored)
    number = torch.arange(where.shape[0], device=image.device)[:, None, None]
    first = (number * height + top.long()) * width + left.long()
    u, v = (x - left).unsqueeze(1), (y - top).unsqueeze(1)
    a, b, c, d = (rows[first + k].permute(0, 3, 1, 2) for k in (0, 1, width, width + 1))
    above, below = a + (b - a) * u, c + (d - c) * u
    return above + (below - above) * v


def _place(where: Tensor, side: int, mirrored: bool) -> tuple[Tensor, Tensor]:
    """Places in pixels within the borders, and the pixel before each; one more lies behind it."""
    place = (where + 1) * (side / 2)  # from the border on, not from the first pixel's middle
    if mirrored:
        place = place.abs()
        place = place - (place / (2 * side)).floor() * (2 * side)
        place = torch.minimum(place, 2 * side - place)
    place = (place - 0.5).clamp(0, side - 1)
    return place, place.floor().clamp(max=side - 2)
