"""Registration: warp an image onto the very one it is paired with, by a latent off the pair."""

from __future__ import annotations

import torch
from torch import Tensor

from l2laug.config.recipe import Recipe, RegisteredOptions
from l2laug.nn.generator import Generator
from l2laug.nn.losses import kl_divergence, pyramid_distance
from l2laug.nn.pair_encoder import PairEncoder

LOG_VARIANCE = (-10.0, 4.0)  # beyond these exp() is of no use


class Registration:
    """The two terms of a conditional variational autoencoder whose decoder warps the given image.

    A critic is pleased with images that are all alike, as long as they are good. This asks for
    every image of the class: its latent has to warp the given image onto that very one, as far as
    warping goes. Such latents differ little from those the generator is given to draw from, so the
    ways in which images of a class differ are there when it draws (as in BicycleGAN, Zhu et al.
    2017). What is composited is no part of it: drawings that have to match make blurred strokes.

    Args:
        encoder: trained along with the generator and not kept.
        weight: of the difference between images.
        kl_weight: of each nat that latents tell about their pairs.
    """

    def __init__(self, encoder: PairEncoder, weight: float, kl_weight: float) -> None:
        self.encoder, self.weight, self.kl_weight = encoder, weight, kl_weight

    @classmethod
    def of(cls, options: RegisteredOptions, recipe: Recipe) -> Registration | None:
        """The one that a recipe's part asks for, its encoder's weights random, if it does."""
        if not options.registration:
            return None
        encoder = PairEncoder(recipe.critic, recipe.generator)
        return cls(encoder, options.registration, options.kl_weight)

    def loss(
        self, generator: Generator, given: Tensor, other: Tensor, random: torch.Generator
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of pairs of images ``(N, C, S, S)`` in [-1, 1], and its parts by name."""
        mean, log_variance = self.encoder(given, other)
        log_variance = log_variance.clamp(*LOG_VARIANCE)
        noise = torch.randn(mean.shape, generator=random, device=mean.device)
        warped = generator.warp(given, mean + noise * (log_variance / 2).exp())
        apart, kl = pyramid_distance(warped, other), kl_divergence(mean, log_variance)
        total = self.weight * apart + self.kl_weight * kl
        return total, {"apart": apart.detach(), "kl": kl.detach()}
