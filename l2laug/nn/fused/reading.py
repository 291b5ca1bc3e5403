"""Reading the maps of support images where a flow says."""

from __future__ import annotations

from torch import Tensor


def read_maps(tables: Tensor, support: Tensor, where: Tensor) -> Tensor:
    """What ``grid_sample`` reads bilinearly with padding ``border``, by rows of channels.

    onnxruntime's own operator computes each place anew for every channel. Here all channels of a
    pixel are fetched at once: seven times as fast for 64 of them.

    Args:
        tables: maps ``(P, C, H, W)`` of all support images, two pixels a side at least.
        support: ``(N,)`` int64, which of them each result is read from.
        where: ``(N, H', W', 2)``, x and y in [-1, 1] from border to border, or beyond.

    Returns:
        ``(N, C, H', W')``.
    """
    _, channels, height, width = tables.shape
    rows = tables.permute(0, 2, 3, 1).reshape(-1, channels)
    x, left = _between(where[..., 0], width)
    y, top = _between(where[..., 1], height)
    first = (support[:, None, None] * height + top.long()) * width + left.long()
    u, v = (x - left).unsqueeze(3), (y - top).unsqueeze(3)
    a, b, c, d = (rows[first + step] for step in (0, 1, width, width + 1))
    above, below = a + (b - a) * u, c + (d - c) * u
    return (above + (below - above) * v).permute(0, 3, 1, 2)


def _between(where: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Places in pixels within the borders, and the pixel before each; one more lies behind it."""
    place = (((where + 1) * side - 1) / 2).clamp(0, side - 1)
    return place, place.floor().clamp(max=side - 2)
