"""Residual blocks and GEMs in evaluation mode, in fewer operations."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from l2laug.nn.gem import Gem
from l2laug.nn.generator import ResidualBlock


class FusedBlock(nn.Module):
    """A residual block whose batch norms are part of its convolutions.

    Nearest-neighbour upsampling and the 3x3 convolution behind it are one transposed convolution
    of stride 2: four products a pixel in place of nine. What some input channels add to the
    block's sums can be computed apart, once for all images that share those channels.

    Args:
        block: in evaluation mode; of stride 1, or upsampling.
        fixed: the input channels that :meth:`table` is given, if there are such.
    """

    def __init__(self, block: ResidualBlock, fixed: slice | None = None) -> None:
        super().__init__()
        self.up = block.resample == "up"
        given = torch.zeros(block.conv1.in_channels, dtype=torch.bool)
        if fixed is not None:
            given[fixed] = True
        kernel, bias = _folded(block.conv1, block.norm1)
        short = block.shortcut.weight.detach()
        self.first = _convolution(kernel[:, ~given], bias, up=self.up)
        self.short = _convolution(short[:, ~given])
        self.second = _convolution(*_folded(block.conv2, block.norm2))
        self.fixed = fixed is not None
        if self.fixed:
            self.first_fixed = _convolution(kernel[:, given], up=self.up)
            self.short_fixed = _convolution(short[:, given])

    def table(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """What the fixed channels ``(P, C, H, W)`` add before the first activation, and at the end.

        The second is as large as the maps; the first is of the block's output.
        """
        return self.first_fixed(maps), self.short_fixed(maps)

    def forward(self, x: Tensor, table: Sequence[Tensor] = ()) -> Tensor:
        """The block's output ``(N, outputs, H', W')``.

        Args:
            x: the other input channels ``(N, C, H, W)``.
            table: what :meth:`table` gave, the row of each image.
        """
        y, short = self.first(x), self.short(x)
        if table:
            y, short = y + table[0], short + table[1]
        if self.up:
            short = F.interpolate(short, scale_factor=2.0, mode="nearest")
        y = self.second(F.leaky_relu(y, 0.2))
        return F.leaky_relu(y + short, 0.2)


def fused_gem(gem: Gem) -> Gem:
    """A GEM whose upsampling, of type 3, is part of the layer behind it."""
    found, layers = copy.deepcopy(gem), list(gem.body)
    if len(layers) > 1 and isinstance(layers[-1], nn.ConvTranspose2d):
        last = layers[-1]
        # Transposed with stride 1 is a convolution with the kernel turned by half a turn.
        kernel = last.weight.detach().transpose(0, 1).flip(2, 3)
        bias = None if last.bias is None else last.bias.detach()
        found.body = nn.Sequential(*layers[:-2], _convolution(kernel, bias, up=True))
    return found


def through_upsampling(kernel: Tensor) -> Tensor:
    """The transposed kernel ``(I, O, 4, 4)``, stride 2, that upsamples and then convolves.

    Args:
        kernel: ``(O, I, 3, 3)`` of a convolution, stride 1, behind nearest-neighbour upsampling.
    """
    turned = kernel.transpose(0, 1).flip(2, 3)
    return sum(
        (F.pad(turned, (x, 1 - x, y, 1 - y)) for x in (0, 1) for y in (0, 1)),
        torch.zeros(*turned.shape[:2], 4, 4),
    )


def _folded(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Kernel and bias of a convolution without bias and the batch norm behind it."""
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:
        raise ValueError("a norm without statistics has nothing to fold")
    scale = norm.weight.detach() / (variance + norm.eps).sqrt()
    return conv.weight.detach() * scale[:, None, None, None], norm.bias.detach() - mean * scale


def _convolution(kernel: Tensor, bias: Tensor | None = None, *, up: bool = False) -> nn.Module:
    """A convolution ``(O, I, K, K)`` that keeps the size, or doubles it."""
    outputs, inputs, side = kernel.shape[:3]
    layer: nn.Conv2d | nn.ConvTranspose2d
    if up:
        layer = nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=bias is not None)
        kernel = through_upsampling(kernel)
    else:
        layer = nn.Conv2d(inputs, outputs, side, 1, side // 2, bias=bias is not None)
    layer.weight = nn.Parameter(kernel.contiguous(), requires_grad=False)
    if bias is not None:
        layer.bias = nn.Parameter(bias.clone(), requires_grad=False)
    return layer
