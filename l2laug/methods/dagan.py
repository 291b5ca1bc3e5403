"""DAGAN: from one image of a class to another one (Antoniou et al. 2017, arXiv 1711.04340).

The strong source generator of the L2L paper is this one's; here with its own critic and its loss. A
rare class is not learned: each of its images is drawn from with fresh latents.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from l2laug.config.recipe import GeneratorOptions, Recipe
from l2laug.methods.learning.episodes import Episode
from l2laug.methods.learning.method import Losses, Method, Step
from l2laug.nn.generator import Generator, ResidualBlock
from l2laug.nn.losses import critic_loss, generator_loss, unit_slope_penalty
from l2laug.nn.methods.critics import NormalisedPairCritic


class DroppingBlock(ResidualBlock):
    """A residual block behind which training leaves out a share of the channels."""

    def __init__(self, like: ResidualBlock, dropout: float) -> None:
        super().__init__(like.conv1.in_channels, like.conv1.out_channels, like.resample)
        self.dropout = dropout

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout2d(super().forward(x), self.dropout, self.training)


class DaganGenerator(Generator):
    """The U-Net and ResNet generator, with dropout behind all decoder blocks but the last."""

    def __init__(self, options: GeneratorOptions, dropout: float) -> None:
        super().__init__(options)
        for i, block in enumerate(list(self.decoder)[:-1]):
            if isinstance(block, ResidualBlock):
                self.decoder[i] = DroppingBlock(block, dropout)


class Dagan(Method):
    """A critic sees (candidate, a) stacked on channels: (b, a) is real, (G(a, z), a) is not.

    WGAN-GP: ``L_D = E D(fake) - E D(real) + 10 E (|grad D(between)| - 1)^2``, ``L_G = -E D(fake)``.
    The gradient is that by the candidate alone, and its norm that of the whole image; the released
    code sums squares over one axis.
    """

    shots = 2

    def __init__(self, recipe: Recipe) -> None:
        generator = DaganGenerator(recipe.generator, recipe.method_training.dropout)
        super().__init__(generator, NormalisedPairCritic(recipe.critic, recipe.generator))

    def critic_losses(self, episode: Episode, step: Step) -> Losses:
        a, b = turned_pairs(episode.images, step.random).unbind(1)
        with torch.no_grad():
            _, fake = self.draw(a, step)
        real_score, fake_score = self.critic(a, b).float(), self.critic(a, fake).float()
        losses = {"wgan": critic_loss(real_score, fake_score, "wgan")}
        if step.options.penalty:
            with torch.autocast(a.device.type, enabled=False):
                slope = unit_slope_penalty(self.critic, a, b, fake, step.random)
            losses["penalty"] = step.options.penalty * slope
        return losses

    def generator_losses(self, episode: Episode, step: Step) -> Losses:
        a = turned_pairs(episode.images, step.random)[:, 0]
        _, fake = self.draw(a, step)
        return {"generator": generator_loss(self.critic(a, fake).float())}


def turned_pairs(images: Tensor, random: torch.Generator) -> Tensor:
    """Half of the rows ``(N, 2, C, S, S)`` are turned, both images by the same quarter turns."""
    n, device = len(images), images.device
    quarters = torch.randint(4, (n,), generator=random, device=device)
    quarters = quarters * (torch.rand(n, generator=random, device=device) < 0.5)
    turns = torch.stack([images.rot90(k, (3, 4)) for k in range(4)])
    return turns[quarters, torch.arange(n, device=device)]
