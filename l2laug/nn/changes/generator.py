"""The generator that decides a change of the given image in four parts."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from l2laug.config.change import ChangeOptions
from l2laug.config.recipe import GeneratorOptions
from l2laug.nn.changes.change import MOTION, TONE, Change, Warp, toned
from l2laug.nn.generator import ResidualBlock

MOTION_BLOCK, FLOW_BLOCK = 0, 1  # the decoder blocks that motion and tone, and flow, are read from
PARTS = ("affine", "flow", "tone", "draw")
COLOURED = 0.04  # of 2: images this far from grey may be tinted half as far as any


def colourfulness(x: Tensor) -> Tensor:
    """How far images ``(N, C, S, S)`` are from grey, ``(N,)`` in [0, 1): 0 for grey ones exactly.

    It is v / (v + k) of the variance v of channels around their mean, so that the colour noise of
    a compressed grey picture counts little and nearly all photographs in colour count in full.
    """
    # By differences between channels, for a mean of three equal numbers may not equal them.
    variance = (x - x.roll(1, 1)).float().square().mean((1, 2, 3)) / 3
    return variance / (variance + COLOURED**2)


class ChangeGenerator(nn.Module):
    """phi(x, z): an image and a latent to a change of that image (paper, Table 1, its U-Net).

    The encoder halves the image four times, the decoder's first two blocks tell motion, tone and
    flow, the others what to composite. It starts as the identity. GEMs plug in behind decoder
    blocks, as in :class:`l2laug.nn.generator.Generator`.

    Args:
        options: the image's size ``S`` (a multiple of 16), channels ``C``, latent and widths.
        change: which parts there are and how far they go.
    """

    def __init__(self, options: GeneratorOptions, change: ChangeOptions) -> None:
        super().__init__()
        self.options, self.change = options, change
        o, e, d, k = options, options.encoder, options.decoder, options.noise_channels
        self.stem = nn.Sequential(
            nn.Conv2d(o.channels, e[0], 3, 2, 1, bias=False),
            nn.BatchNorm2d(e[0]),
            nn.LeakyReLU(0.2),
        )
        self.encoder = nn.ModuleList(ResidualBlock(e[i], e[i + 1], "down") for i in range(3))
        self.sides = [o.size // 16 * 2**i for i in range(len(k))]
        blocks = 5 if change.draw else 2
        self.noise = nn.ModuleList(
            nn.Linear(o.latent, c * s * s)
            for c, s in list(zip(k, self.sides, strict=True))[:blocks]
        )
        joined = [e[3], d[0] + e[2], d[1] + e[1], d[2] + e[0], d[3] + o.channels]
        for i in range(len(self.noise)):
            joined[i] += k[i]
        self.decoder = nn.ModuleList(
            ResidualBlock(joined[i], d[i], "up" if i < 4 else None) for i in range(blocks)
        )
        self.motion = nn.Sequential(
            nn.Linear(d[MOTION_BLOCK] + o.latent, 128),
            nn.LeakyReLU(0.2),
            nn.Linear(128, 128),
            nn.LeakyReLU(0.2),
            nn.Linear(128, MOTION + TONE * o.channels),
        )
        # A kernel of 4 with a stride of 2 has its centres at nodes from border to border.
        self.flow = nn.Conv2d(d[FLOW_BLOCK], 2, 4, 2, 2)
        lasts: list[nn.Module] = [self.motion[-1], self.flow]
        if change.draw:
            self.head = nn.Sequential(
                nn.Conv2d(d[4], d[4], 3, 1, 1, bias=False),
                nn.BatchNorm2d(d[4]),
                nn.LeakyReLU(0.2),
                nn.Conv2d(d[4], o.channels + 1, 3, 1, 1),
            )
            lasts.append(self.head[-1])
        for last in lasts:
            nn.init.zeros_(last.get_parameter("weight"))
            nn.init.zeros_(last.get_parameter("bias"))
        self.warp = Warp(o.size // 8 + 1, (o.size // 4, o.size // 2, o.size))
        limits = [change.turn, change.scale, change.stretch, 2 * change.shift, 2 * change.shift]
        self.register_buffer("limits", torch.tensor(limits), persistent=False)
        self.register_buffer(
            "tone_limits", torch.tensor([change.gain, change.bias, change.gamma]), persistent=False
        )

    def encode(self, x: Tensor) -> list[Tensor]:
        """Encode images ``(N, C, S, S)`` in [-1, 1]: four maps, the finest first, then ``x``."""
        maps = [self.stem(x)]
        for block in self.encoder:
            maps.append(block(maps[-1]))
        return [*maps, x]

    def decoder_maps(
        self,
        maps: list[Tensor],
        z: Tensor,
        gems: Mapping[str, nn.Module] | None = None,
        count: int = 2,
    ) -> list[Tensor]:
        """The outputs of the first ``count`` decoder blocks (2 at most), each behind its GEM."""
        outputs: list[Tensor] = []
        x = maps[3]
        for i in range(count):
            x = self._block(i, x, maps[2] if i else None, z, gems)
            outputs.append(x)
        return outputs

    def decode(
        self,
        maps: list[Tensor],
        z: Tensor,
        strength: Tensor | None = None,
        gems: Mapping[str, nn.Module] | None = None,
    ) -> Change:
        """Decode encoder maps and latents ``(N, L)`` into changes.

        Args:
            maps: what :meth:`encode` returned.
            z: standard normal.
            strength: ``(4,)`` or ``(N, 4)`` in [0, 1], of the parts in their order; all 1 if None.
            gems: modules by decoder block.
        """
        return self.change_of(maps, self.decoder_maps(maps, z, gems), z, strength, gems)

    def change_of(
        self,
        maps: list[Tensor],
        outputs: list[Tensor],
        z: Tensor,
        strength: Tensor | None = None,
        gems: Mapping[str, nn.Module] | None = None,
    ) -> Change:
        """The change that the outputs of the first two decoder blocks tell, see :meth:`decode`."""
        o, c, x = self.options, self.change, maps[4]
        if strength is None:
            strength = torch.ones(4, device=x.device)
        share = strength.expand(x.shape[0], 4)
        first, second = outputs
        told = self.motion(torch.cat([first.mean((2, 3)).float(), z], 1)).float()
        motion = torch.tanh(told[:, :MOTION] / self.get_buffer("limits"))
        motion = motion * self.get_buffer("limits") * share[:, :1] * float(c.affine)
        own = torch.tanh(told[:, MOTION:].unflatten(1, (o.channels, TONE)))
        # What is grey stays grey, whatever was learned: its channels share one curve (and what is
        # drawn over them).
        common = own.mean(1, keepdim=True)
        tone = common + (own - common) * colourfulness(x)[:, None, None]
        tone = tone * self.get_buffer("tone_limits") * share[:, 2:3, None] * float(c.tone)
        flow = torch.tanh(self.flow(second).float()) * (2 * c.warp * float(c.flow))
        grid = self.warp.grid(motion, flow * share[:, 1:2, None, None])
        base = toned(self.warp(x, grid), tone)
        if not c.draw:
            return Change(grid, tone, torch.zeros_like(base), base)
        difference = self._drawn(second, maps, z, grid, base, gems) * share[:, 3:, None, None]
        return Change(grid, tone, difference, base + difference)

    def _drawn(
        self,
        x: Tensor,
        maps: list[Tensor],
        z: Tensor,
        grid: Tensor,
        base: Tensor,
        gems: Mapping[str, nn.Module] | None,
    ) -> Tensor:
        """What to add to the changed image ``base`` through the mask, ``(N, C, S, S)``."""
        for i, skip in ((2, maps[1]), (3, maps[0]), (4, None)):
            seen = base if skip is None else self.warp(skip, grid)
            x = self._block(i, x, seen, z, gems)
        told = self.head(x).float()
        own = 2 * torch.tanh(told[:, :-1])
        common = own.mean(1, keepdim=True)
        added = common + (own - common) * colourfulness(maps[4])[:, None, None, None]
        drawn = (base + added).clamp(-1.0, 1.0)
        return torch.sigmoid(told[:, -1:]) * (drawn - base)

    def _block(
        self,
        i: int,
        x: Tensor,
        skip: Tensor | None,
        z: Tensor,
        gems: Mapping[str, nn.Module] | None,
    ) -> Tensor:
        joined = [x] if skip is None else [x, skip]
        if i < len(self.noise):
            side = self.sides[i]
            joined.append(self.noise[i](z).unflatten(1, (-1, side, side)))
        y: Tensor = self.decoder[i](torch.cat([j.to(x.dtype) for j in joined], 1))
        return gems[str(i)](y) if gems is not None and str(i) in gems else y

    def forward(
        self,
        x: Tensor,
        z: Tensor,
        strength: Tensor | None = None,
        gems: Mapping[str, nn.Module] | None = None,
    ) -> Change:
        """Decide a change for each image ``(N, C, S, S)`` in [-1, 1] and latent ``(N, L)``."""
        return self.decode(self.encode(x), z, strength, gems)
