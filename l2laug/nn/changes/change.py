"""The four parts of a change in torch: affine motion, flow, tone, drawn difference."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from l2laug.core.resampling import cubic_matrix, node_positions
from l2laug.nn.changes.reading import read_at

MOTION = 5  # turn, scale, stretch, shift along x, shift along y
TONE = 3  # gain, bias, gamma
DARKEST = 1e-3  # powers of 0 have no slope


class Change(NamedTuple):
    """What a generator decides about each image; zero strength is the identity in each part.

    Attributes:
        grid: ``(N, K, K, 2)``, x and y in [-1, 1] (and beyond) of where to read the original, at
            nodes from border to border; affine motion and flow together.
        tone: ``(N, C, 3)``, log gain, bias and log gamma of values in [0, 1].
        difference: ``(N, C, S, S)``, to be added after the tone, values in [-2, 2].
        image: ``(N, C, S, S)`` in [-1, 1], the changed image at the generator's own size.
    """

    grid: Tensor
    tone: Tensor
    difference: Tensor
    image: Tensor


def affine_matrix(motion: Tensor) -> tuple[Tensor, Tensor]:
    """Linear part ``(N, 2, 2)`` and shift ``(N, 2)`` of :data:`MOTION` numbers ``(N, 5)``.

    Turn in radians, then logarithms of scale and stretch, then shifts in half sides.
    """
    turn, scale, stretch = motion[:, 0], motion[:, 1].exp(), motion[:, 2].exp()
    c, s = torch.cos(turn), torch.sin(turn)
    rows = [c * scale * stretch, -s * scale / stretch, s * scale * stretch, c * scale / stretch]
    return torch.stack(rows, 1).view(-1, 2, 2), motion[:, 3:]


def toned(image: Tensor, tone: Tensor) -> Tensor:
    """Images ``(N, C, H, W)`` in [-1, 1] through the curves ``tone`` ``(N, C, 3)`` tell."""
    gain, bias, gamma = (p[:, :, None, None] for p in tone.unbind(2))
    light = ((image + 1) / 2).clamp(DARKEST, 1.0)
    curved = (light.log() * gamma.exp() + gain).exp() + bias  # light ** exp(gamma) * exp(gain)
    # What the floor under the power takes from black is given back.
    black = (image + 1 - 2 * DARKEST).clamp(max=0.0)
    return (curved * 2 - 1 + black).clamp(-1.0, 1.0)


class Warp(nn.Module):
    """Reads images where a grid of few nodes says.

    Args:
        nodes: of the grid, each way.
        sides: of the square maps that will be read, in pixels.
    """

    def __init__(self, nodes: int, sides: tuple[int, ...]) -> None:
        super().__init__()
        ends = torch.linspace(-1, 1, nodes)
        plane = torch.stack(torch.meshgrid(ends, ends, indexing="xy"), 2)
        self.register_buffer("plane", plane, persistent=False)
        for side in sides:
            matrix = torch.from_numpy(cubic_matrix(node_positions(side, nodes), nodes))
            self.register_buffer(f"matrix{side}", matrix, persistent=False)

    def grid(self, motion: Tensor, flow: Tensor) -> Tensor:
        """Nodes ``(N, K, K, 2)`` of a motion ``(N, 5)``, then a flow ``(N, 2, K, K)``."""
        linear, shift = affine_matrix(motion)
        where = self.get_buffer("plane") + flow.permute(0, 2, 3, 1)
        n, k = where.shape[0], where.shape[1]
        moved = where.reshape(n, k * k, 2) @ linear.transpose(1, 2) + shift[:, None]
        return moved.view(n, k, k, 2)

    def forward(self, image: Tensor, grid: Tensor) -> Tensor:
        """Read ``(N, C, H, H)`` at a grid of nodes ``(N, K, K, 2)``, mirrored beyond borders."""
        with torch.autocast(image.device.type, enabled=False):  # 16 bits can't tell pixels apart
            m = self.get_buffer(f"matrix{image.shape[-1]}")
            planes = m @ grid.float().permute(0, 3, 1, 2) @ m.T
            where = planes.permute(0, 2, 3, 1)
            return read_at(image.float(), where, mirrored=True)
