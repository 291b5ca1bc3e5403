"""The general net: EfficientNet-Lite0 as it learned ImageNet, frozen, to compare any images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from l2laug.core.arrays import Features, Pixels, to_unit
from l2laug.core.errors import BundleError
from l2laug.core.hashing import file_hash
from l2laug.core.resources import shipped
from l2laug.features.extractor import Extractor
from l2laug.runtime.device import pick_engine

WEIGHTS = "efficientnet_lite0.safetensors"
SIDE = 96  # images are looked at so large: at 64 pixels features are weak, at 224 they are slow
WIDTH = 1280
DEPTHS, MAP_WIDTHS = (2, 4, 6), (40, 112, 320)  # blocks whose maps are told, and their channels
BATCH = 64


class GeneralNet(nn.Module):
    """Frozen EfficientNet-Lite0: images in [-1, 1] to pooled features.

    Any image is squeezed into squares of :data:`SIDE` pixels, a grey one is shown in all channels.
    Gradients pass through to the images.

    Args:
        path: weights under timm's names for ``tf_efficientnet_lite0``, its head left out.

    Raises:
        BundleError: the weights are missing or do not fit.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.net: Any = timm.create_model("tf_efficientnet_lite0", num_classes=0)
        try:
            state = {name: value.float() for name, value in load_file(path).items()}
            missing, odd = self.net.load_state_dict(state, strict=False)
        except (SafetensorError, RuntimeError, OSError) as error:
            raise BundleError(
                f"The general net's weights {path} can't be read.", "Install l2laug again."
            ) from error
        # How many batches the norms have seen is not kept: nobody asks a frozen net.
        if odd or any("num_batches" not in name for name in missing):
            raise BundleError(
                f"{path} holds other tensors than EfficientNet-Lite0.", "Install l2laug again."
            )
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        """Images ``(N, C, H, W)`` in [-1, 1], C being 1 or 3, to features ``(N, 1280)``."""
        return self.maps(x)[1]

    def maps(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """What blocks :data:`DEPTHS` make of images ``(N, C, H, W)``, and the pooled features.

        Returns:
            Maps ``(N, W, S, S)`` of :data:`MAP_WIDTHS` channels, S being 12, 6 and 3, and features
            ``(N, 1280)``.
        """
        if x.shape[1] == 1:
            x = x.expand(-1, 3, -1, -1)
        if x.shape[-2:] != (SIDE, SIDE):
            x = F.interpolate(x, (SIDE, SIDE), mode="bilinear", antialias=max(x.shape[-2:]) > SIDE)
        net, found = self.net, list[Tensor]()
        x = net.bn1(net.conv_stem(x))
        for depth, block in enumerate(net.blocks):
            x = block(x)
            if depth in DEPTHS:
                found.append(x)
        pooled: Tensor = net.bn2(net.conv_head(x)).mean((2, 3))
        return found, pooled.float()

    def train(self, mode: bool = True) -> GeneralNet:  # noqa: ARG002
        """Stays in evaluation mode."""
        return super().train(False)


def load_general_net() -> GeneralNet:
    """The general net with the weights that ship with l2laug."""
    return GeneralNet(shipped("models") / "general" / WEIGHTS)


@torch.no_grad()
def general_features(
    net: GeneralNet, pixels: Pixels, on_batch: Callable[[int], None] | None = None
) -> Features:
    """Features ``(N, 1280)`` of uint8 images ``(N, C, S, S)``, computed where the net lies.

    Args:
        net: the general net.
        pixels: images.
        on_batch: told how many images each batch had.
    """
    place = next(net.parameters()).device
    found = np.empty((len(pixels), WIDTH))
    for first in range(0, len(pixels), BATCH):
        unit = torch.from_numpy(to_unit(pixels[first : first + BATCH])).to(place)
        unit = unit.contiguous(memory_format=torch.channels_last)
        found[first : first + len(unit)] = net(unit).cpu().numpy()
        if on_batch is not None:
            on_batch(len(unit))
    return found


def cosine_distance(one: Tensor, other: Tensor) -> Tensor:
    """One minus the cosine between rows of features ``(N, D)``, ``(N,)``."""
    return 1 - F.cosine_similarity(one, other, dim=1)


def general_extractor(device: str = "auto") -> Extractor:
    """The general net as what scores are measured on."""
    net = pick_engine(device).place(load_general_net())

    def extract(pixels: Pixels) -> NDArray[np.float32]:
        return general_features(net, pixels).astype(np.float32)

    return Extractor(
        "EfficientNet-Lite0, ImageNet",
        file_hash(shipped("models") / "general" / WEIGHTS),
        extract,
        f"to {SIDE}x{SIDE}, bilinear, antialiased",
    )
