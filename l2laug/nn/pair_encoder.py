"""The pair encoder: which latent leads from one image of a class to another one."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from l2laug.config.recipe import CriticOptions, GeneratorOptions
from l2laug.nn.critic import pair_body


class PairEncoder(nn.Module):
    """q(z | x, y): what is to be known, beside the image x, to draw the image y of its class.

    The encoder of a conditional variational autoencoder (Kingma and Welling 2014; Sohn et al.
    2015), used while the generator is trained and not kept.

    Args:
        options: of the critic, whose widths it shares.
        image: size, channels and length of the latent.
    """

    def __init__(self, options: CriticOptions, image: GeneratorOptions) -> None:
        super().__init__()
        self.body, width, side = pair_body(options, image)
        self.moments = nn.Linear(width * side * side, 2 * image.latent)
        nn.init.normal_(self.moments.weight, std=0.01)

    def forward(self, given: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        """Pairs of ``(N, C, S, S)`` images to the mean and the log variance of z, ``(N, L)``."""
        x = F.leaky_relu(self.body(torch.cat([given, other], 1)), 0.2)
        mean, diversity = self.moments(x.flatten(1)).float().chunk(2, 1)
        return mean, diversity
