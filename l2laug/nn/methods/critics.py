"""Critics of the other methods, on the body of the pair critic."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from l2laug.config.recipe import CriticOptions, GeneratorOptions
from l2laug.nn.critic import critic_body, keep_variance


class NormalisedPairCritic(nn.Module):
    """DAGAN's critic: two images stacked on channels, layer norm, one score."""

    def __init__(self, options: CriticOptions, image: GeneratorOptions) -> None:
        super().__init__()
        self.body, width, side = critic_body(options, image.size, 2 * image.channels, norm=True)
        self.score = nn.Linear(width * side * side, 1)
        keep_variance(self)

    def forward(self, given: Tensor, other: Tensor) -> Tensor:
        """Score pairs of ``(N, C, S, S)`` images in [-1, 1]; returns ``(N,)``, higher for real."""
        x = F.leaky_relu(self.body(torch.cat([given, other], 1)), 0.2)
        result: Tensor = self.score(x.flatten(1)).squeeze(1)
        return result


class ClassCritic(nn.Module):
    """The critic of MatchingGAN, F2GAN and DeltaGAN: is it real, and of which source class?

    A 7x7 convolution, residual blocks that halve the image, a global average, two heads.

    Args:
        options: widths.
        image: size and channels.
        classes: how many source classes there are.
    """

    def __init__(self, options: CriticOptions, image: GeneratorOptions, classes: int) -> None:
        super().__init__()
        self.body, self.width, _ = critic_body(options, image.size, image.channels, kernel=7)
        self.score = nn.Linear(self.width, 1)
        self.classify = nn.Linear(self.width, classes)
        keep_variance(self)

    def features(self, x: Tensor) -> Tensor:
        """Images ``(N, C, S, S)`` in [-1, 1] to features ``(N, D)``."""
        return F.leaky_relu(self.body(x).float(), 0.2).mean((2, 3))

    def real(self, features: Tensor) -> Tensor:
        """Scores ``(N,)`` of features, higher for real."""
        result: Tensor = self.score(features).float().squeeze(1)
        return result

    def class_loss(self, features: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy of the source classes ``(N,)`` of images with these features (AC-GAN)."""
        return F.cross_entropy(self.classify(features).float(), labels)
