"""Encoder and decoder of the paper's Table 1 as parts, for methods that join them otherwise."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from l2laug.config.recipe import GeneratorOptions
from l2laug.nn.generator import ResidualBlock, clipped


class Encoder(nn.Module):
    """Images ``(N, C, S, S)`` to four maps, the finest (S/2) first, the last S/16."""

    def __init__(self, options: GeneratorOptions) -> None:
        super().__init__()
        e = options.encoder
        self.stem = nn.Sequential(
            nn.Conv2d(options.channels, e[0], 3, 2, 1, bias=False),
            nn.BatchNorm2d(e[0]),
            nn.LeakyReLU(0.2),
        )
        self.blocks = nn.ModuleList(ResidualBlock(e[i], e[i + 1], "down") for i in range(3))

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = [self.stem(x)]
        for block in self.blocks:
            maps.append(block(maps[-1]))
        return maps


class Decoder(nn.Module):
    """The coarsest map to images, taking the finer ones in on its way.

    Args:
        options: widths and size.
        joined: channels that the coarsest map has beside the encoder's own.
    """

    def __init__(self, options: GeneratorOptions, joined: int = 0) -> None:
        super().__init__()
        self.clip_margin = options.clip_margin
        e, d = options.encoder, options.decoder
        inputs = [e[3] + joined, d[0] + e[2], d[1] + e[1], d[2] + e[0], d[3]]
        self.blocks = nn.ModuleList(
            ResidualBlock(inputs[i], d[i], "up" if i < 4 else None) for i in range(5)
        )
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [nn.Conv2d(d[4], d[4], 3, 1, 1, bias=False), nn.BatchNorm2d(d[4])]
            layers.append(nn.LeakyReLU(0.2))
        self.head = nn.Sequential(*layers, nn.Conv2d(d[4], options.channels, 3, 1, 1))

    def forward(self, x: Tensor, skip: Callable[[int, Tensor], Tensor]) -> Tensor:
        """Decode into images ``(N, C, S, S)`` in [-1, 1].

        Args:
            x: the coarsest map, ``(N, encoder[3] + joined, S / 16, S / 16)``.
            skip: the encoder's map to join before blocks 1 to 3, told the block and its input.
        """
        for i, block in enumerate(self.blocks):
            joined = [x, skip(i, x).to(x.dtype)] if 0 < i < 4 else [x]
            x = block(torch.cat(joined, 1))
        return clipped(torch.tanh(self.head(x).float()), -1.0, self.clip_margin)


def direct(maps: list[Tensor]) -> Callable[[int, Tensor], Tensor]:
    """The skip connections of a plain U-Net."""
    return lambda i, _: maps[3 - i]
