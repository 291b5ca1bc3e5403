"""Registration: bend an image onto the very one it is paired with, by a latent off the pair."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from l2laug.nn.generator import Generator
from l2laug.nn.losses import divergence, pyramid_distance
from l2laug.nn.pair_encoder import PairEncoder
from l2laug.recipe import Recipe, RegisteredOptions
from l2laug.training.pairs import PairSampler

SETTLING = 64  # batches of as many pairs, to tell how latents vary
LOG_VARIANCE = (-10.0, 4.0)  # beyond these exp() is of no use


class Registration:
    """The two terms of a conditional variational autoencoder whose decoder bends the given image.

    A critic is pleased with images that are all alike, as long as they are good. This asks for
    every image of the class: its latent has to bend the given image onto that very one, as far as
    bending goes. Such latents differ little from those the generator is given to draw from, so the
    ways in which images of a class differ are there when it draws (as in BicycleGAN, Zhu et al.
    2017). What is drawn over is no part of it: drawings that have to match make blurred strokes.

    Latents that tell much about their pairs are not distributed like random ones. Where the recipe
    says so, the generator learns to draw by latents of other pairs, of other classes (the deltas of
    Schwartz et al. 2018), and :meth:`settle` has it end with random ones all the same.

    Args:
        encoder: trained along with the generator and not kept.
        weight: of the difference between images.
        divergence: of each nat that latents tell about their pairs.
        lend: whether latents of pairs are there to draw by.
    """

    def __init__(
        self, encoder: PairEncoder, weight: float, divergence: float, *, lend: bool = False
    ) -> None:
        self.encoder, self.weight, self.divergence, self.lend = encoder, weight, divergence, lend
        self.lent: Tensor | None = None

    @classmethod
    def of(cls, options: RegisteredOptions, recipe: Recipe) -> Registration | None:
        """The one that a recipe's part asks for, its encoder's weights random, if it does."""
        if not options.registration:
            return None
        encoder = PairEncoder(recipe.critic, recipe.generator)
        lend = options.latents == "pairs"
        return cls(encoder, options.registration, options.divergence, lend=lend)

    def loss(
        self, generator: Generator, given: Tensor, other: Tensor, random: torch.Generator
    ) -> tuple[Tensor, dict[str, float]]:
        """The loss of pairs of images ``(N, C, S, S)`` in [-1, 1], and its parts by name."""
        mean, log_variance = self._moments(given, other)
        noise = torch.randn(mean.shape, generator=random, device=mean.device)
        z = mean + noise * (log_variance / 2).exp()
        if self.lend:
            self.lent = z.detach()
        bent = generator.bend(given, z)
        apart, nats = pyramid_distance(bent, other), divergence(mean, log_variance)
        total = self.weight * apart + self.divergence * nats
        return total, {"apart": apart.item(), "nats": nats.item()}

    def borrow(self, count: int, random: torch.Generator) -> Tensor | None:
        """Latents ``(count, L)`` of the pairs seen last, in any order; ``None`` before the first.

        There are none where the recipe has the generator draw by random latents.
        """
        if self.lent is None:
            return None
        size, device = (count,), self.lent.device
        return self.lent[torch.randint(len(self.lent), size, generator=random, device=device)]

    @torch.no_grad()
    def settle(self, generator: Generator, pairs: PairSampler) -> None:
        """Have a generator that drew by latents of pairs draw the like by random ones.

        Mean and covariance of the latents of some batches of pairs go into the layers by which
        latents enter. Where the recipe has random latents to begin with, nothing changes. The
        sampler stays where it is, so that a look at what is drawn changes no training.
        """
        if not self.lend:
            return
        pairs = copy.copy(pairs)
        batches = [pairs.draw(SETTLING) for _ in range(SETTLING)]
        moments = [self._moments(given, other) for given, other, _ in batches]
        means, variances = (torch.cat(part).double() for part in zip(*moments, strict=True))
        covariance = means.T.cov() + variances.exp().mean(0).diag()
        generator.change_latents(torch.linalg.cholesky(covariance), means.mean(0))

    def _moments(self, given: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.encoder(given, other)
        return mean, log_variance.clamp(*LOG_VARIANCE)
