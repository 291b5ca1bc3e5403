"""The encoder a change generator learns with: which latent leads from one image to another."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from l2laug.config.recipe import GeneratorOptions

WIDTHS = (32, 64, 96, 128)


class ChangeEncoder(nn.Module):
    """q(z | x, y): which latent leads from one image of a class to another one (a CVAE's encoder).

    Used while the generator is trained and not kept.
    """

    def __init__(self, options: GeneratorOptions, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 2 * options.channels
        for width in widths:
            layers += [
                nn.Conv2d(before, width, 4, 2, 1, bias=False),
                nn.BatchNorm2d(width),
                nn.LeakyReLU(0.2),
            ]
            before = width
        self.body = nn.Sequential(*layers, nn.Flatten())
        side = options.size // 2 ** len(widths)
        self.moments = nn.Linear(before * side * side, 2 * options.latent)
        nn.init.normal_(self.moments.weight, std=0.01)

    def forward(self, given: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        """Pairs of ``(N, C, S, S)`` images to mean and log variance of z, ``(N, L)`` each."""
        told = self.moments(self.body(torch.cat([given, other], 1))).float()
        mean, log_variance = told.chunk(2, 1)
        return mean, log_variance.clamp(-8, 4)
