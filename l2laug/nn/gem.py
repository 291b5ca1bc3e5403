"""GEM, the Generalization Enhancement Module of the paper's Table 2."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from l2laug.config.recipe import GemOptions, GeneratorOptions


class Gem(nn.Module):
    """tau: a decoder map learned from few images to the one learned from many (paper, Table 2).

    Types 1, 2 and 3 are the table's rows of layers. With ``residual`` the module adds its output
    to its input and starts as the identity, so that plugging it in can do no harm before it has
    learned anything. Maps ``(N, channels, H, W)`` to the same shape; H and W must be even.
    """

    def __init__(self, channels: int, kind: int, *, residual: bool) -> None:
        super().__init__()
        self.residual = residual
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
        return h + change if self.residual else change


def build_gems(options: GemOptions, generator: GeneratorOptions) -> nn.ModuleDict:
    """Make one GEM for each position of the recipe, keyed by the decoder block it follows."""
    return nn.ModuleDict(
        {
            str(i): Gem(generator.decoder[i], options.type, residual=options.residual)
            for i in options.positions
        }
    )


def feature_loss(ours: Tensor, theirs: Tensor, norm: str) -> Tensor:
    """L_tau = norm(h_s, h_n), ``norm`` being ``"l1"`` or ``"l2"`` (paper, section on losses)."""
    loss = F.l1_loss if norm == "l1" else F.mse_loss
    return loss(ours.float(), theirs.float())
