"""GEM, the Generalization Enhancement Module of the paper's Table 2."""

from __future__ import annotations

import copy

from torch import Tensor, nn
from torch.nn import functional as F

from l2laug.config.recipe import GemOptions, GeneratorOptions


class Gem(nn.Module):
    """tau: a decoder map learned from few images to the one learned from many (paper, Table 2).

    Types 1, 2 and 3 are the table's rows of layers. With ``residual`` the module adds its output
    to its input and starts as the identity, so that plugging it in can do no harm before it has
    learned anything. Maps ``(N, channels, H, W)`` to the same shape; H and W must be even.

    Attributes:
        strength: from 0, which hands the map on as it is, to 1, tau in full; what lies between is
            on the straight line between the two. A number of the graph, not of the weights.
    """

    def __init__(self, channels: int, kind: int, *, residual: bool) -> None:
        super().__init__()
        self.residual = residual
        self.strength = 1.0
        layers: list[nn.Module] = []
        if kind >= 2:
            layers += [nn.Conv2d(channels, channels, 3, 1, 1), nn.ReLU()]
        layers += [
            nn.Conv2d(channels, channels, 3, 2, 1),
            nn.Upsample(scale_factor=2.0, mode="nearest"),
        ]
        if kind == 3:
            layers.append(nn.ConvTranspose2d(channels, channels, 3, 1, 1))
        self.body = nn.Sequential(*layers)
        if residual:
            last = [m for m in layers if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))][-1]
            nn.init.zeros_(last.weight)
            if last.bias is not None:
                nn.init.zeros_(last.bias)

    def forward(self, h: Tensor) -> Tensor:
        change: Tensor = self.body(h)
        if self.strength != 1:
            change = self.strength * (change if self.residual else change - h)
            return h + change
        return h + change if self.residual else change


def build_gems(options: GemOptions, generator: GeneratorOptions) -> nn.ModuleDict:
    """Make one GEM for each position of the recipe, keyed by the decoder block it follows."""
    return nn.ModuleDict(
        {
            str(i): Gem(generator.decoder[i], options.type, residual=options.residual)
            for i in options.positions
        }
    )


def with_strength(gems: nn.ModuleDict, strength: float) -> nn.ModuleDict:
    """Copies of GEMs at a strength from 0 to 1; at 0, where they change nothing, none.

    Args:
        gems: as :func:`build_gems` makes them.
        strength: the alpha of ``h + alpha * (tau(h) - h)``.
    """
    if not strength:
        return nn.ModuleDict()
    found = copy.deepcopy(gems)
    for gem in found.values():
        if isinstance(gem, Gem):
            gem.strength = strength
    return found


def feature_loss(ours: Tensor, theirs: Tensor, norm: str) -> Tensor:
    """L_tau = norm(h_s, h_n), ``norm`` being ``"l1"`` or ``"l2"`` (paper, section on losses)."""
    loss = F.l1_loss if norm == "l1" else F.mse_loss
    return loss(ours.float(), theirs.float())
