"""The pair critic: are these two images of one class, and is the second one real?"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from l2laug.config.recipe import CriticOptions, GeneratorOptions


class CriticBlock(nn.Module):
    """A residual block without normalisation that halves height and width."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, inputs, 3, 1, 1)
        self.conv2 = nn.Conv2d(inputs, outputs, 3, 1, 1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        short = self.shortcut(F.avg_pool2d(x, 2))
        x = self.conv1(F.leaky_relu(x, 0.2))
        x = F.avg_pool2d(self.conv2(F.leaky_relu(x, 0.2)), 2)
        mixed: Tensor = (x + short) * 0.7071
        return mixed


def group_deviation(x: Tensor, group: int) -> Tensor:
    """Append the mean deviation within groups of the batch as one channel.

    Rows ``i``, ``i + N / group``, ``i + 2 N / group`` ... are a group. Where their pairs share the
    given image, this is how much what is drawn from one image varies, and the critic sees a
    generator that varies too little. ``(N, C, H, W)`` to ``(N, C + 1, H, W)``; ``N`` is a
    multiple of ``group``.
    """
    n, c, h, w = x.shape
    y = x.float().view(group, n // group, c, h, w)
    deviation = (y.var(0, unbiased=False) + 1e-8).sqrt().mean((1, 2, 3))
    plane = deviation.repeat(group).view(n, 1, 1, 1).expand(n, 1, h, w)
    return torch.cat([x, plane.to(x.dtype)], 1)


def pair_body(options: CriticOptions, image: GeneratorOptions) -> tuple[nn.Sequential, int, int]:
    """The convolutions that look at two images stacked on channels, their last width and side."""
    side, width = image.size, options.width
    blocks: list[nn.Module] = [nn.Conv2d(2 * image.channels, width, 3, 1, 1)]
    while side > 4:
        outputs = min(width * 2, options.max_width)
        blocks.append(CriticBlock(width, outputs))
        width, side = outputs, side // 2
    return nn.Sequential(*blocks), width, side


class Critic(nn.Module):
    """Score pairs of images stacked on channels, as in DAGAN, the paper's baseline."""

    def __init__(self, options: CriticOptions, image: GeneratorOptions) -> None:
        super().__init__()
        self.group, self.conditioned = options.group, image.conditioned
        self.body, width, side = pair_body(options, image)
        self.last = nn.Conv2d(width + 1, width, 3, 1, 1)
        self.score = nn.Linear(width * side * side, 1)
        # Without normalisation, torch's default start shrinks the signal at every layer until the
        # critic can't tell anything apart; this one keeps its variance.
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight, a=0.2)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, given: Tensor, other: Tensor) -> Tensor:
        """Score pairs of ``(N, C, S, S)`` images in [-1, 1]; returns ``(N,)``, higher for real."""
        if not self.conditioned:
            given = torch.zeros_like(given)
        x = self.body(torch.cat([given, other], 1))
        x = F.leaky_relu(self.last(group_deviation(F.leaky_relu(x, 0.2), self.group)), 0.2)
        result: Tensor = self.score(x.flatten(1)).squeeze(1)
        return result
