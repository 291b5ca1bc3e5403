"""DeltaGAN: how two images of a class differ, drawn anew (Hong et al. 2020, arXiv 2009.08753).

A rare class is not learned, and one image of it is enough.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from l2laug.config.recipe import CriticOptions, GeneratorOptions, Recipe
from l2laug.methods.learning.class_method import ClassMethod
from l2laug.methods.learning.episodes import Episode
from l2laug.methods.learning.method import Losses, Step, hinge, mode_seeking
from l2laug.nn.critic import keep_variance
from l2laug.nn.generator import ResidualBlock
from l2laug.nn.methods.critics import ClassCritic
from l2laug.nn.methods.drawer import Drawer, uniform
from l2laug.nn.methods.unet import Decoder, Encoder, direct

SQUEEZED = 8  # channels of the image's encoding beside the latent


class DeltaGenerator(Drawer):
    """An image and a delta to another image of its class.

    A real delta is read off two images, a drawn one comes from a latent, uniform in (-1, 1) and
    computed from the normal one, and the image's encoding.
    """

    def __init__(self, options: GeneratorOptions) -> None:
        super().__init__(options)
        width, side = options.encoder[3], options.size // 16
        self.content, self.difference = Encoder(options), Encoder(options)
        self.decoder = Decoder(options, joined=width)
        layers: list[nn.Module] = [nn.Conv2d(width, width, 1)]
        for _ in range(2):
            layers += [nn.LeakyReLU(0.2), nn.Conv2d(width, width, 1)]
        self.read = nn.Sequential(*layers)
        self.squeeze = nn.Conv2d(width, SQUEEZED, 1)
        self.spread = nn.Linear(options.latent + SQUEEZED * side * side, width * side * side)
        self.shape = ResidualBlock(width, width)
        self.last = nn.Conv2d(width, width, 1)

    def encode(self, x: Tensor) -> list[Tensor]:
        """The content's four maps, then the encoding that deltas start from."""
        return [*self.content(x), self.difference(x)[-1]]

    def real_delta(self, first: Tensor, second: Tensor) -> Tensor:
        """The delta of two images by their encodings, ``E(x2) - E(x1)`` and three convolutions."""
        delta: Tensor = self.read(second - first)
        return delta

    def drawn_delta(self, encoding: Tensor, z: Tensor) -> Tensor:
        """A delta ``(N, width, S / 16, S / 16)`` from latents and the image's encoding."""
        u = 2 * uniform(z) - 1
        told = torch.cat([u, self.squeeze(encoding).float().flatten(1)], 1)
        spread = self.spread(told).view(-1, encoding.shape[1], *encoding.shape[2:])
        delta: Tensor = self.last(self.shape(spread))
        return delta

    def changed(self, maps: list[Tensor], delta: Tensor) -> Tensor:
        """Change the content by a delta: images ``(N, C, S, S)``."""
        joined = torch.cat([maps[3], delta.to(maps[3].dtype)], 1)
        drawn: Tensor = self.decoder(joined, direct(maps))
        return drawn

    def decode(
        self, maps: list[Tensor], z: Tensor, gems: Mapping[str, nn.Module] | None = None
    ) -> Tensor:
        del gems
        return self.changed(maps, self.drawn_delta(maps[4], z))


class DeltaCritic(ClassCritic):
    """Also: does a delta lead from the one image to the other?"""

    def __init__(self, options: CriticOptions, image: GeneratorOptions, classes: int) -> None:
        super().__init__(options, image, classes)
        delta = image.encoder[3] * (image.size // 16) ** 2
        self.match = nn.Sequential(
            nn.Linear(2 * self.width + delta, self.width),
            nn.LeakyReLU(0.2),
            nn.Linear(self.width, 1),
        )
        keep_variance(self.match)

    def matches(self, other: Tensor, delta: Tensor, given: Tensor) -> Tensor:
        """Scores ``(N,)`` of features ``(N, D)`` of the images, and the delta between them."""
        told = torch.cat([other, delta.float().flatten(1), given], 1)
        score: Tensor = self.match(told).float().squeeze(1)
        return score


class DeltaGan(ClassMethod):
    """Beside hinge and class loss of images three terms.

    Hinge of the matching head, real ``(x2, real delta, x1)``, fake ``(drawn, drawn delta, x1)``;
    ``|x2 again - x2|`` and that of the critic's features; mode seeking, ``|z1 - z2|`` over
    ``|f1 - f2|``.
    """

    shots = 2
    generator: DeltaGenerator
    critic: DeltaCritic

    def __init__(self, recipe: Recipe, classes: int) -> None:
        generator = DeltaGenerator(recipe.generator)
        super().__init__(recipe, generator, DeltaCritic(recipe.critic, recipe.generator, classes))

    def critic_losses(self, episode: Episode, step: Step) -> Losses:
        (first, second), labels, net = episode.images.unbind(1), episode.labels, self.generator
        with torch.no_grad():
            maps = net.encode(first)
            real_delta = net.real_delta(maps[4], net.difference(second)[-1])
            delta = net.drawn_delta(maps[4], step.normal(len(first), net.options.latent))
            drawn = net.changed(maps, delta)
        given, real, fake = (self.critic.features(x) for x in (first, second, drawn))
        losses = self.image_losses(second, labels, fake, step)
        losses["match"] = hinge(
            self.critic.matches(real, real_delta, given), self.critic.matches(fake, delta, given)
        )
        return losses

    def generator_losses(self, episode: Episode, step: Step) -> Losses:
        (first, second), labels, net = episode.images.unbind(1), episode.labels, self.generator
        n, w = len(first), self.weights
        maps = net.encode(first)
        zs = [step.normal(n, net.options.latent) for _ in range(2)]
        deltas = [net.drawn_delta(maps[4], z) for z in zs]
        real_delta = net.real_delta(maps[4], net.difference(second)[-1])
        thrice = [torch.cat([m, m, m]) for m in maps]
        *drawn, again = net.changed(thrice, torch.cat([*deltas, real_delta])).split(n)
        given, features = self.critic.features(first), [self.critic.features(d) for d in drawn]
        matches = [self.critic.matches(f, d, given) for f, d in zip(features, deltas, strict=True)]
        apart = (uniform(zs[0]) - uniform(zs[1])).abs().mean(1) * 2
        drawn_apart = (features[0] - features[1]).abs().mean(1)
        off = F.l1_loss(self.critic.features(again), self.critic.features(second))
        return self.drawn_losses(torch.cat(features), labels.repeat(2)) | {
            "match": -torch.cat(matches).mean(),
            "reconstruction": w.reconstruction_weight * F.l1_loss(again, second),
            "features": w.feature_weight * off,
            "mode_seeking": w.mode_seeking_weight * mode_seeking(apart, drawn_apart),
        }
