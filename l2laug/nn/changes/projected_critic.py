"""A critic of pairs that looks through a frozen pretrained net (Sauer et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

HEAD_WIDTH = 64


class ProjectedCritic(nn.Module):
    """Scores pairs of images by their maps of a frozen net, one small head a depth.

    After "Projected GANs converge faster" (Sauer et al. 2021), without its random mixing of
    channels and scales: heads have spectral norm (Miyato et al. 2018) and see both images of the
    pair, as the pair critic of DAGAN does.

    Args:
        widths: channels of the maps at each depth.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.heads = nn.ModuleList(
            nn.Sequential(
                spectral_norm(nn.Conv2d(2 * width, HEAD_WIDTH, 1)),
                nn.LeakyReLU(0.2),
                spectral_norm(nn.Conv2d(HEAD_WIDTH, HEAD_WIDTH, 3, 1, 1)),
                nn.LeakyReLU(0.2),
                spectral_norm(nn.Conv2d(HEAD_WIDTH, 1, 1)),
            )
            for width in widths
        )

    def forward(self, given: Sequence[Tensor], other: Sequence[Tensor]) -> Tensor:
        """Scores of all places at all depths, ``(N, P)``, higher for real pairs.

        Args:
            given: maps ``(N, W, S, S)`` by depth of the images that are shown.
            other: the same of what they are paired with.
        """
        scores = [
            head(torch.cat([one, two], 1).float()).flatten(1)
            for head, one, two in zip(self.heads, given, other, strict=True)
        ]
        # Each depth counts alike, however many places it has.
        most = max(s.shape[1] for s in scores)
        return torch.cat([s.repeat_interleave(most // s.shape[1], 1) for s in scores], 1)
