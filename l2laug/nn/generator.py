"""The image-conditioned U-Net + ResNet generator of the paper's Table 1."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from l2laug.config.recipe import GeneratorOptions
from l2laug.nn.changes.change import MOTION, TONE, Change, Warp
from l2laug.nn.changes.reading import read_at

FLOW_BLOCK = 1  # the decoder block whose output, a quarter of the side, tells where to warp
MASK_BIAS = -2.0


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch norm beside a 1x1 short cut.

    ``resample`` is ``"down"`` (stride 2), ``"up"`` (nearest neighbour, factor 2) or ``None``.
    Maps ``(N, inputs, H, W)`` to ``(N, outputs, H', W')``.
    """

    def __init__(self, inputs: int, outputs: int, resample: str | None = None) -> None:
        super().__init__()
        self.resample = resample
        stride = 2 if resample == "down" else 1
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.resample == "up":
            # A 1x1 convolution commutes with nearest-neighbour upsampling: do it where it is cheap.
            short = F.interpolate(self.shortcut(x), scale_factor=2.0, mode="nearest")
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        elif self.resample == "down":
            short = self.shortcut(F.avg_pool2d(x, 2))
        else:
            short = self.shortcut(x)
        x = F.leaky_relu(self.norm1(self.conv1(x)), 0.2)
        return F.leaky_relu(self.norm2(self.conv2(x)) + short, 0.2)


def clipped(x: Tensor, low: float, clip_margin: float) -> Tensor:
    """Stretch values from ``low`` to 1 about their middle until that share of them is clipped."""
    if not clip_margin:
        return x
    middle = (low + 1) / 2
    return ((x - middle) / (1 - clip_margin) + middle).clamp(low, 1.0)


class Generator(nn.Module):
    """phi(x, z): an image and a latent to another image of the same class (paper, Table 1).

    The encoder halves the image four times; its maps reach the decoder by skip connections. The
    latent enters as in DAGAN: a dense layer each to a few channels joined to the first decoder
    blocks. GEMs plug in behind decoder blocks through the ``gems`` argument of :meth:`decode`.

    With ``options.warp`` it does not draw every pixel anew: it warps the given image by a smooth
    flow and composites what it draws through a mask (appearance flow, Zhou et al. 2016). With
    ``options.warp_maps`` the same flow warps the encoder's maps on their way to the later decoder
    blocks, and the last of those sees the warped image too, so that what is drawn lies where
    the flow took it (deformable skip connections, Siarohin et al. 2018).

    What tanh and the mask's sigmoid never reach, real images are full of: paper that is all white.
    ``options.clip_margin`` stretches both and clips, so that the last of that share comes for free.

    Args:
        options: image size ``S`` (a multiple of 16), channels ``C`` and the widths of the layers.
    """

    def __init__(self, options: GeneratorOptions) -> None:
        super().__init__()
        self.options = options
        e, d, k = options.encoder, options.decoder, options.noise_channels
        self.stem = nn.Sequential(
            nn.Conv2d(options.channels, e[0], 3, 2, 1, bias=False),
            nn.BatchNorm2d(e[0]),
            nn.LeakyReLU(0.2),
        )
        self.encoder = nn.ModuleList(ResidualBlock(e[i], e[i + 1], "down") for i in range(3))
        self.sides = [options.size // 16 * 2**i for i in range(len(k))]
        self.noise = nn.ModuleList(
            nn.Linear(options.latent, c * s * s) for c, s in zip(k, self.sides, strict=True)
        )
        joined = [e[3], d[0] + e[2], d[1] + e[1], d[2] + e[0], d[3]]
        for i, c in enumerate(k):
            joined[i] += c
        if options.warp_maps:
            joined[4] += options.channels
        self.decoder = nn.ModuleList(
            ResidualBlock(joined[i], d[i], "up" if i < 4 else None) for i in range(5)
        )
        last = nn.Conv2d(d[4], options.channels + (1 if options.warp else 0), 3, 1, 1)
        self.head = nn.Sequential(
            nn.Conv2d(d[4], d[4], 3, 1, 1, bias=False),
            nn.BatchNorm2d(d[4]),
            nn.LeakyReLU(0.2),
            nn.Conv2d(d[4], d[4], 3, 1, 1, bias=False),
            nn.BatchNorm2d(d[4]),
            nn.LeakyReLU(0.2),
            last,
        )
        if options.warp:
            self.nodes = Warp(options.size // 4 + 1, (options.size,))
            self.flow = nn.Conv2d(d[FLOW_BLOCK], 2, 3, 1, 1)
            nn.init.normal_(self.flow.weight, std=0.01)
            nn.init.zeros_(self.flow.get_parameter("bias"))
            # The mask starts near 0: the given image is warped a little, hardly composited.
            nn.init.constant_(last.get_parameter("bias")[-1:], MASK_BIAS)

    def encode(self, x: Tensor) -> list[Tensor]:
        """Encode images ``(N, C, S, S)`` in [-1, 1] into four maps, the finest (S/2) first.

        Behind them is the image itself where the generator warps it.
        They are the same for every image where the recipe's generator is not conditioned.
        """
        if not self.options.conditioned:
            x = torch.zeros_like(x)
        maps = [self.stem(x)]
        for block in self.encoder:
            maps.append(block(maps[-1]))
        return [*maps, x] if self.options.warp else maps

    def decoder_maps(
        self,
        maps: list[Tensor],
        z: Tensor,
        gems: Mapping[str, nn.Module] | None = None,
        count: int = 5,
    ) -> list[Tensor]:
        """The outputs of the first ``count`` decoder blocks, each behind its GEM if it has one.

        Args:
            maps: what :meth:`encode` returned, the batch first in each.
            z: ``(N, latent)``, standard normal.
            gems: modules by decoder block (``"0"`` to ``"4"``), applied to that block's output.
            count: how many blocks to run.
        """
        x = maps[3]
        outputs: list[Tensor] = []
        for i, block in enumerate(self.decoder[:count]):
            joined = [x]
            if 0 < i < 4 or (i == 4 and self.options.warp_maps):
                skip = maps[(3, 2, 1, 0, 4)[i]]
                if i > FLOW_BLOCK and self.options.warp_maps:
                    skip = self.warped(skip, outputs[FLOW_BLOCK])
                joined.append(skip)
            if i < len(self.noise):
                side = self.sides[i]
                joined.append(self.noise[i](z).unflatten(1, (-1, side, side)))
            x = block(torch.cat([j.to(x.dtype) for j in joined], 1))
            if gems is not None and str(i) in gems:
                x = gems[str(i)](x)
            outputs.append(x)
        return outputs

    def decode(
        self, maps: list[Tensor], z: Tensor, gems: Mapping[str, nn.Module] | None = None
    ) -> Tensor:
        """Decode encoder maps and latents into images ``(N, C, S, S)`` in [-1, 1]."""
        return self.composed(maps, self.decoder_maps(maps, z, gems))

    def decode_change(
        self, maps: list[Tensor], z: Tensor, gems: Mapping[str, nn.Module] | None = None
    ) -> Change:
        """What :meth:`decode` draws, as a change of the image that was encoded.

        A flow, and all else as a difference; only a generator that warps can tell it.
        """
        return self.change_of(maps, self.decoder_maps(maps, z, gems))

    def change_of(self, maps: list[Tensor], outputs: list[Tensor]) -> Change:
        """The change that encoder maps and outputs of all decoder blocks make."""
        image = self.composed(maps, outputs)
        # Nodes lie half way between the pixels of the flow, and on its borders.
        flow = F.avg_pool2d(F.pad(self._flow(outputs[FLOW_BLOCK]), (1, 1, 1, 1), "replicate"), 2, 1)
        motion = image.new_zeros((image.shape[0], MOTION))
        grid = self.nodes.grid(motion, flow)
        difference = image - self.nodes(maps[4], grid)
        tone = image.new_zeros((image.shape[0], self.options.channels, TONE))
        return Change(grid, tone, difference, image)

    def composed(self, maps: list[Tensor], outputs: list[Tensor]) -> Tensor:
        """The image ``(N, C, S, S)`` that encoder maps and outputs of all decoder blocks make."""
        x = self.head(outputs[-1])
        if not self.options.warp:
            return clipped(torch.tanh(x), -1.0, self.options.clip_margin)
        drawn, mask = torch.tanh(x[:, :-1].float()), torch.sigmoid(x[:, -1:].float())
        drawn = clipped(drawn, -1.0, self.options.clip_margin)
        mask = clipped(mask, 0.0, self.options.clip_margin)
        return mask * drawn + (1 - mask) * self.warped(maps[4], outputs[FLOW_BLOCK])

    def warp(self, x: Tensor, z: Tensor) -> Tensor:
        """The images ``(N, C, S, S)`` as latents ``(N, latent)`` warp them, nothing composited."""
        maps = self.encode(x)
        return self.warped(x, self.decoder_maps(maps, z, count=FLOW_BLOCK + 1)[FLOW_BLOCK])

    def _flow(self, features: Tensor) -> Tensor:
        """Displacements ``(N, 2, S / 4, S / 4)`` in half sides."""
        return torch.tanh(self.flow(features).float()) * 2 * self.options.warp

    def warped(self, image: Tensor, features: Tensor) -> Tensor:
        """Maps ``(N, C, H, H)`` as the output of decoder block :data:`FLOW_BLOCK` says."""
        flow = F.interpolate(
            self._flow(features), image.shape[2:], mode="bilinear", align_corners=False
        )
        identity = torch.eye(2, 3, device=image.device)[None]
        with torch.autocast(image.device.type, enabled=False):  # 16 bits can't tell pixels apart
            grid = F.affine_grid(identity, [1, 1, *image.shape[2:]], align_corners=False)
        where = grid + flow.permute(0, 2, 3, 1)
        return read_at(image.float(), where, mirrored=False)

    def forward(self, x: Tensor, z: Tensor, gems: Mapping[str, nn.Module] | None = None) -> Tensor:
        """Draw one image for each image of ``x`` ``(N, C, S, S)`` and latent ``(N, latent)``."""
        return self.decode(self.encode(x), z, gems)
