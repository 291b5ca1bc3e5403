"""F2GAN: fuse images of a class, fill in details by attention (Hong et al. 2020, arXiv 2008.01999).

A rare class is not learned: its images are fused, with new weights for each drawn image. What the
released code does beside the paper, noise in place of a share ``1 - alpha_k`` of the pixels, is
left out: it would be an input of K images to the graph.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from l2laug.config.recipe import GeneratorOptions, Recipe
from l2laug.methods.learning.episodes import Episode
from l2laug.methods.learning.method import Losses, Step, mode_seeking
from l2laug.methods.matchinggan import FusionGenerator, MatchingGan, encode_each, weighted

FILLED = (1, 2)  # decoder blocks before which attention fills in
EPS = 1e-5


class SpectralConv(nn.Conv2d):
    """A 1x1 convolution whose weights have a largest singular value of 1 (Miyato et al. 2018).

    One power iteration a training step, as torch's own, in operations that every export knows.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 1)
        self.left: Tensor
        self.right: Tensor
        self.register_buffer("left", F.normalize(torch.randn(outputs), dim=0))
        self.register_buffer("right", F.normalize(torch.randn(inputs), dim=0))

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight.flatten(1)
        if self.training:
            with torch.no_grad():
                self.right.copy_(F.normalize(weight.T @ self.left, dim=0))
                self.left.copy_(F.normalize(weight @ self.right, dim=0))
        # A moving average of directions is shorter than they are.
        left, right = (F.normalize(v.clone(), dim=0) for v in (self.left, self.right))
        sigma = (left * (weight @ right)).sum()
        return F.conv2d(x, self.weight / sigma, self.bias)


class Filling(nn.Module):
    """Attention from the decoder's map to an encoder's map; it starts as nothing.

    Query from the one, key and value from the other, by 1x1 convolutions with spectral norm;
    softmax over the positions of the other; times gamma, which starts at 0 (Zhang et al. 2019).
    """

    def __init__(self, inputs: int, skip: int) -> None:
        super().__init__()
        narrow = max(skip // 8, 1)
        self.query = SpectralConv(inputs, narrow)
        self.key = SpectralConv(skip, narrow)
        self.value = SpectralConv(skip, skip)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Maps ``(N, inputs, H, W)`` and ``(N, skip, H, W)`` to ``(N, skip, H, W)``."""
        query = self.query(x).flatten(2).transpose(1, 2)
        share = (query @ self.key(skip).flatten(2)).softmax(2)  # of each position, over all others
        value = self.value(skip).flatten(2)
        filled: Tensor = self.gamma * (value @ share.transpose(1, 2)).view_as(skip)
        return filled


class FillingGenerator(FusionGenerator):
    """A fusing generator with attention to each image's maps at two stages of its decoder."""

    def __init__(self, options: GeneratorOptions, shots: int) -> None:
        super().__init__(options, shots, matching=False)
        e, d = options.encoder, options.decoder
        self.fillings = nn.ModuleDict({str(i): Filling(d[i - 1], e[3 - i]) for i in FILLED})

    def fuse(self, maps: list[Tensor], alpha: Tensor) -> Tensor:
        shares = [m * alpha.view(*alpha.shape, 1, 1, 1) for m in maps]  # alpha_k times map k

        def skip(i: int, x: Tensor) -> Tensor:
            each = shares[3 - i]
            fused = each.sum(1)
            if i not in FILLED:
                return fused
            filling = self.fillings[str(i)]
            for k in range(self.window):
                fused = fused + filling(x, each[:, k])
            return fused

        drawn: Tensor = self.decoder(shares[3].sum(1), skip)
        return drawn


class F2gan(MatchingGan):
    """Two draws an episode; beside hinge, class and feature loss three terms.

    ``sum_k alpha_k mean |drawn - x_k|``; mode seeking, ``|alpha1 - alpha2| / (|f1 - f2| + eps)`` of
    the critic's features f; and the difference of alpha from what a small net reads off the
    features of the images and of what was drawn.
    """

    generator: FillingGenerator

    def __init__(self, recipe: Recipe, classes: int) -> None:
        super().__init__(recipe, classes)
        self.generator = FillingGenerator(recipe.generator, self.shots)
        width = self.critic.width
        self.helpers["alpha"] = nn.Sequential(
            nn.Linear(2 * width, width), nn.LeakyReLU(0.2), nn.Linear(width, 1)
        )

    def generator_losses(self, episode: Episode, step: Step) -> Losses:
        images, labels = episode
        maps = encode_each(self.generator, images)
        own = self.critic.features(images.flatten(0, 1)).unflatten(0, images.shape[:2])
        alphas, features = [], []
        near = off = read = torch.zeros((), device=images.device)
        for _ in range(2):
            alpha = self.generator.weights(maps, step.normal(len(images), self.latent))
            drawn = self.generator.fuse(maps, alpha)
            found = self.critic.features(drawn)
            near = near + weighted_distance(drawn, images, alpha) / 2
            off = off + F.l1_loss(found, weighted(own, alpha)) / 2
            read = read + F.l1_loss(self.read_weights(own, found), alpha) / 2
            alphas.append(alpha)
            features.append(found)
        apart = (alphas[0] - alphas[1]).abs().mean(1)
        drawn_apart = (features[0] - features[1]).abs().mean(1)
        if self.weights.mode_seeking_ratio == "released":
            apart, drawn_apart = drawn_apart, apart
        w = self.weights
        return self.drawn_losses(torch.cat(features), labels.repeat(2)) | {
            "reconstruction": w.reconstruction_weight * near,
            "features": w.feature_weight * off,
            "regression": w.regression_weight * read,
            "mode_seeking": w.mode_seeking_weight * mode_seeking(apart, drawn_apart, EPS),
        }

    def read_weights(self, own: Tensor, drawn: Tensor) -> Tensor:
        """Weights ``(N, K)`` as a net reads them off features ``(N, K, D)`` and ``(N, D)``."""
        both = torch.cat([own, drawn[:, None].expand_as(own)], 2)
        alpha: Tensor = self.helpers["alpha"](both).squeeze(2).softmax(1)
        return alpha


def weighted_distance(drawn: Tensor, images: Tensor, alpha: Tensor) -> Tensor:
    """``sum_k alpha_k mean |drawn - x_k|`` of ``(N, C, S, S)`` and ``(N, K, C, S, S)``."""
    each = (drawn[:, None] - images).abs().mean((2, 3, 4))
    return (alpha * each).sum(1).mean()
