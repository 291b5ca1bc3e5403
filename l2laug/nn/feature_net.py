"""A small classifier of the source classes, whose features score images where nothing else can."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn


class FeatureNet(nn.Module):
    """Four convolution blocks and a linear classifier.

    Args:
        channels: of the images.
        width: channels of the first block, doubled at each of the next two.
        classes: how many source classes it tells apart.
    """

    def __init__(self, channels: int, width: int, classes: int) -> None:
        super().__init__()
        widths = [channels, width, width * 2, width * 4, width * 4]
        layers: list[nn.Module] = []
        for i, (a, b) in enumerate(pairwise(widths)):
            layers += [nn.Conv2d(a, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU()]
            if i < 3:
                layers.append(nn.MaxPool2d(2))
        self.body = nn.Sequential(*layers)
        self.dimension = widths[-1]
        self.classify: nn.Module = nn.Linear(self.dimension, classes)

    def features(self, x: Tensor) -> Tensor:
        """Images ``(N, C, S, S)`` in [-1, 1] to features ``(N, 4 * width)``."""
        return torch.flatten(nn.functional.adaptive_avg_pool2d(self.body(x), 1), 1)

    def forward(self, x: Tensor) -> Tensor:
        """Images ``(N, C, S, S)`` in [-1, 1] to class scores ``(N, classes)``."""
        result: Tensor = self.classify(self.features(x))
        return result
