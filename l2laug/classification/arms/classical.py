"""Classical augmentation without knowing the classes: light, then turns, shifts and scale."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torchvision.transforms import TrivialAugmentWide  # type: ignore[import-untyped]

# TrivialAugment's own moves are of up to 32 pixels and its turns of up to 135 degrees: on small
# images the first empties the picture and the second makes a 9 of a 6. random_affine is in their
# place. Flips are left out for the same reason: they have an arm of their own.
LIGHT = (
    "Identity",
    "Brightness",
    "Color",
    "Contrast",
    "Sharpness",
    "Posterize",
    "Solarize",
    "AutoContrast",
    "Equalize",
)
STRENGTHS = (0.5, 1.0, 1.5)  # of 1: turns of up to 12 degrees and the whole range of TrivialAugment


class Light(TrivialAugmentWide):  # type: ignore[misc] # torchvision ships no types
    """Those changes of TrivialAugment (Mueller and Hutter 2021, wide space) that move no pixel.

    One change of one random strength an image. Grey images have no colour to change.

    Args:
        channels: of the images, 1 or 3.
        strength: the part of TrivialAugment's range that is drawn from, 0 to 1.
    """

    def __init__(self, channels: int, strength: float = 1.0) -> None:
        super().__init__()
        self.kept = [name for name in LIGHT if channels == 3 or name != "Color"]
        self.strength = min(strength, 1.0)

    def _augmentation_space(self, num_bins: int) -> dict[str, tuple[Tensor, bool]]:
        space: dict[str, tuple[Tensor, bool]] = super()._augmentation_space(num_bins)
        most = max(1, math.ceil(num_bins * self.strength))
        # Ranges go from no change to the strongest one; those of a single value have no strength.
        return {
            name: (values[:most] if values.ndim else values, signed)
            for name, (values, signed) in space.items()
            if name in self.kept
        }


def change_light(pixels: Tensor, random: torch.Generator, strength: float = 1.0) -> Tensor:
    """Change brightness, contrast, tone curve and the like of each image by itself.

    Args:
        pixels: uint8 ``(N, C, S, S)`` with 1 or 3 channels.
        random: a CPU generator; torch's global one is left as it was.
        strength: see :class:`Light`.
    """
    light = Light(pixels.shape[1], strength)
    seed = int(torch.randint(2**31, (1,), generator=random))
    # torchvision draws from the global generator alone.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return torch.stack([light(image) for image in pixels])
