"""The pair critic: are these two images of one class, and is the second one real?"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from l2laug.config.recipe import CriticOptions, GeneratorOptions


class CriticBlock(nn.Module):
    """A residual block that halves height and width; ``norm`` is layer norm before activations."""

    def __init__(self, inputs: int, outputs: int, *, norm: bool = False) -> None:
        super().__init__()
        self.norm1, self.norm2 = (
            nn.GroupNorm(1, inputs) if norm else nn.Identity() for _ in range(2)
        )
        self.conv1 = nn.Conv2d(inputs, inputs, 3, 1, 1)
        self.conv2 = nn.Conv2d(inputs, outputs, 3, 1, 1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        short = self.shortcut(F.avg_pool2d(x, 2))
        x = self.conv1(F.leaky_relu(self.norm1(x), 0.2))
        x = F.avg_pool2d(self.conv2(F.leaky_relu(self.norm2(x), 0.2)), 2)
        mixed: Tensor = (x + short) * 0.7071
        return mixed


def group_deviation(
    x: Tensor, group: int, distinct: Tensor | None = None, unknown: Tensor | None = None
) -> Tensor:
    """Append the mean deviation within groups of the batch as one channel.

    Rows ``i``, ``i + N / group``, ``i + 2 N / group`` ... are a group. Where their pairs share the
    given image, this is how much what is drawn from one image varies, and the critic sees a
    generator that varies too little.

    A class of few images has fewer others than a group has rows. Its real groups repeat some, and
    would seem to vary less than images of the class do; so the deviation is that of the first
    ``distinct`` rows alone, of real and of fake groups alike. The fewer they are, the smaller it is
    by expectation; it is scaled to what a full group of the same normal distribution deviates by.
    One image tells nothing of variety: its groups get what ``unknown`` says, or 0, whatever their
    rows are.

    Args:
        x: ``(N, C, H, W)``; ``N`` is a multiple of ``group``.
        group: rows of a group.
        distinct: ``(N / group,)`` int64 from 1 to ``group``, of how many different images each real
            group is; ``None`` if all are of ``group``.
        unknown: ``(N / group,)``, the deviation to give to groups of one different image.

    Returns:
        ``(N, C + 1, H, W)``.
    """
    n, c, h, w = x.shape
    y = x.float().view(group, n // group, c, h, w)
    if distinct is None:
        deviation = full_deviation(y)
    else:
        count = distinct.view(-1, 1, 1, 1)
        counts = torch.arange(group, device=x.device).view(-1, 1, 1, 1, 1) < count
        mean = (y * counts).sum(0) / count
        variance = ((y - mean).square() * counts).sum(0) / count
        scale = normal_deviation(torch.full_like(distinct, group)) / normal_deviation(distinct)
        deviation = (variance + 1e-8).sqrt().mean((1, 2, 3)) * scale * (distinct > 1)
        if unknown is not None:
            deviation = torch.where(distinct == 1, unknown, deviation)
    plane = deviation.repeat(group).view(n, 1, 1, 1).expand(n, 1, h, w)
    return torch.cat([x, plane.to(x.dtype)], 1)


def full_deviation(y: Tensor) -> Tensor:
    """Standard deviations within groups ``(group, G, C, H, W)``, averaged to ``(G,)``."""
    return (y.var(0, unbiased=False) + 1e-8).sqrt().mean((1, 2, 3))


def normal_deviation(count: Tensor) -> Tensor:
    """The expected deviation from their mean of so many values of a standard normal distribution.

    The root of the squares' sum over ``count``: c4 of control charts times
    ``sqrt((count - 1) / count)``. Of one value there is none to expect; it counts as two.
    """
    n = count.clamp(min=2).double()
    return ((2 / n).sqrt() * (torch.lgamma(n / 2) - torch.lgamma((n - 1) / 2)).exp()).float()


def pair_body(options: CriticOptions, image: GeneratorOptions) -> tuple[nn.Sequential, int, int]:
    """The convolutions that look at two images stacked on channels, their last width and side."""
    return critic_body(options, image.size, 2 * image.channels)


def critic_body(
    options: CriticOptions, side: int, channels: int, *, kernel: int = 3, norm: bool = False
) -> tuple[nn.Sequential, int, int]:
    """Convolutions from ``side`` down to 4, their last width and side.

    Args:
        options: widths.
        side: of the images.
        channels: of what is looked at.
        kernel: of the first convolution.
        norm: whether blocks have layer norm.
    """
    width = options.width
    blocks: list[nn.Module] = [nn.Conv2d(channels, width, kernel, 1, kernel // 2)]
    while side > 4:
        outputs = min(width * 2, options.max_width)
        blocks.append(CriticBlock(width, outputs, norm=norm))
        width, side = outputs, side // 2
    return nn.Sequential(*blocks), width, side


def keep_variance(net: nn.Module) -> None:
    """Start the layers of a critic so that they keep the variance of what they are given.

    Without normalisation, torch's default start shrinks the signal at every layer until the critic
    can't tell anything apart.
    """
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, a=0.2)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class Critic(nn.Module):
    """Score pairs of images stacked on channels, as in DAGAN, the paper's baseline."""

    def __init__(self, options: CriticOptions, image: GeneratorOptions) -> None:
        super().__init__()
        self.group, self.conditioned = options.group, image.conditioned
        self.body, width, side = pair_body(options, image)
        self.last = nn.Conv2d(width + 1, width, 3, 1, 1)
        self.score = nn.Linear(width * side * side, 1)
        keep_variance(self)

    def forward(
        self,
        given: Tensor,
        other: Tensor,
        distinct: Tensor | None = None,
        unknown: Tensor | None = None,
    ) -> Tensor:
        """Score pairs of ``(N, C, S, S)`` images in [-1, 1]; returns ``(N,)``, higher for real.

        Args:
            given: the images that are shown, in groups as :func:`group_deviation` takes them.
            other: what they are paired with.
            distinct: ``(N / group,)``, of how many different images each real group is, see there.
            unknown: ``(N / group,)``, the deviation to see in groups of one different image.
        """
        x = self._features(given, other)
        x = F.leaky_relu(self.last(group_deviation(x, self.group, distinct, unknown)), 0.2)
        result: Tensor = self.score(x.flatten(1)).squeeze(1)
        return result

    @torch.no_grad()
    def deviation(self, given: Tensor, other: Tensor) -> Tensor:
        """How far groups of ``(N, C, S, S)`` pairs vary, ``(N / group,)``, without a gradient."""
        x = self._features(given, other).float()
        return full_deviation(x.view(self.group, len(x) // self.group, *x.shape[1:]))

    def _features(self, given: Tensor, other: Tensor) -> Tensor:
        if not self.conditioned:
            given = torch.zeros_like(given)
        return F.leaky_relu(self.body(torch.cat([given, other], 1)), 0.2)
