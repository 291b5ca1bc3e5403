"""MatchingGAN: images of a class fused by weights (Hong et al. 2020, arXiv 2003.03497).

A rare class is not learned: its images are fused, with new weights for each drawn image.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from l2laug.config.recipe import GeneratorOptions, Recipe
from l2laug.methods.learning.class_method import ClassMethod
from l2laug.methods.learning.episodes import Episode
from l2laug.methods.learning.method import Losses, Step
from l2laug.nn.methods.critics import ClassCritic
from l2laug.nn.methods.drawer import Drawer, uniform
from l2laug.nn.methods.unet import Decoder, Encoder

LEAST, MOST = 1.0, 10.0  # of weights before they are normalised, in the released code


class FusionGenerator(Drawer):
    """K images, one encoder; ``sum alpha_k e_k`` at the bottleneck and at every skip, decoded.

    Args:
        options: widths and size.
        shots: K.
        matching: the paper's weights: ``alpha = softmax_k cosine(embed(z), e_k)``, e_k averaged
            over positions. Else ``alpha_k`` is uniform from 1 to 10 and normalised, computed from
            the first K numbers of the latent.
    """

    def __init__(self, options: GeneratorOptions, shots: int, *, matching: bool) -> None:
        super().__init__(options, shots)
        self.encoder, self.decoder = Encoder(options), Decoder(options)
        self.embed = nn.Linear(options.latent, options.encoder[3]) if matching else None

    def encode(self, x: Tensor) -> list[Tensor]:
        return list(self.encoder(x))

    def decode(
        self, maps: list[Tensor], z: Tensor, gems: Mapping[str, nn.Module] | None = None
    ) -> Tensor:
        del gems
        return self.fuse(maps, self.weights(maps, z))

    def weights(self, maps: list[Tensor], z: Tensor) -> Tensor:
        """The weights alpha ``(N, K)`` of images, above 0 and 1 in sum."""
        if self.embed is None:
            raw = LEAST + (MOST - LEAST) * uniform(z[:, : self.window])
            return raw / raw.sum(1, keepdim=True)
        means = F.normalize(maps[3].float().mean((3, 4)), dim=2)
        asked = F.normalize(self.embed(z).float(), dim=1)
        return (means * asked[:, None]).sum(2).softmax(1)

    def fuse(self, maps: list[Tensor], alpha: Tensor) -> Tensor:
        """Decode fused maps ``(N, K, ...)`` into images ``(N, C, S, S)``."""
        fused = [weighted(m, alpha) for m in maps]
        drawn: Tensor = self.decoder(fused[3], lambda i, _: fused[3 - i])
        return drawn


def weighted(values: Tensor, alpha: Tensor) -> Tensor:
    """``sum_k alpha_k v_k`` of ``(N, K, ...)``."""
    return (values * alpha.view(*alpha.shape, *[1] * (values.dim() - 2))).sum(1)


class MatchingGan(ClassMethod):
    """Fused images have to be real, of their class, and to match what they were fused from.

    Beside hinge and class loss: ``0.1 |encode(drawn) - sum alpha_k e_k|^2``, a mean over the map,
    and ``|f(drawn) - sum alpha_k f(x_k)|`` of the critic's features f.
    """

    generator: FusionGenerator

    def __init__(self, recipe: Recipe, classes: int) -> None:
        self.shots = recipe.method_training.shots
        matching = recipe.method_training.fusion_weights == "paper"
        generator = FusionGenerator(recipe.generator, self.shots, matching=matching)
        super().__init__(recipe, generator, ClassCritic(recipe.critic, recipe.generator, classes))

    def critic_losses(self, episode: Episode, step: Step) -> Losses:
        images, labels = episode
        with torch.no_grad():
            _, drawn = self.draw(images, step)
        real, repeated = images.flatten(0, 1), labels.repeat_interleave(self.shots)
        return self.image_losses(real, repeated, self.critic.features(drawn), step)

    def generator_losses(self, episode: Episode, step: Step) -> Losses:
        images, labels = episode
        maps = encode_each(self.generator, images)
        alpha = self.generator.weights(maps, step.normal(len(images), self.latent))
        drawn = self.generator.fuse(maps, alpha)
        features, w = self.critic.features(drawn), self.weights
        encoded = self.generator.encode(drawn)[3]
        return self.drawn_losses(features, labels) | {
            "match": w.match_weight * F.mse_loss(encoded.float(), weighted(maps[3], alpha).float()),
            "features": w.feature_weight * self.feature_loss(images, alpha, features),
        }

    @property
    def latent(self) -> int:
        """Length of the latent."""
        return self.generator.options.latent

    def feature_loss(self, images: Tensor, alpha: Tensor, drawn: Tensor) -> Tensor:
        """``|f(drawn) - sum alpha_k f(x_k)|``, a mean over features ``(N, D)``."""
        own = self.critic.features(images.flatten(0, 1)).unflatten(0, alpha.shape)
        return F.l1_loss(drawn, weighted(own, alpha))


def encode_each(generator: Drawer, images: Tensor) -> list[Tensor]:
    """Encode ``(N, K, C, S, S)``: maps ``(N, K, ...)``."""
    return [m.unflatten(0, images.shape[:2]) for m in generator.encode(images.flatten(0, 1))]
