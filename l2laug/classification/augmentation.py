"""Classical augmentation as strong as it gets without knowing the classes: light, then shape."""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.transforms import TrivialAugmentWide  # type: ignore[import-untyped]

from l2laug.nn.augment import random_affine
from l2laug.nn.batches import to_batch

# TrivialAugment's own moves are of up to 32 pixels and its turns of up to 135 degrees: on small
# images the first empties the picture and the second makes a 9 of a 6. random_affine is in their
# place. Flips are left out for the same reason: nobody said that the classes survive one.
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


class Light(TrivialAugmentWide):  # type: ignore[misc] # torchvision ships no types
    """Those changes of TrivialAugment (Mueller and Hutter 2021, wide space) that move no pixel.

    One change of one random strength an image. Grey images have no colour to change.

    Args:
        channels: of the images, 1 or 3.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.kept = [name for name in LIGHT if channels == 3 or name != "Color"]

    def _augmentation_space(self, num_bins: int) -> dict[str, tuple[Tensor, bool]]:
        space: dict[str, tuple[Tensor, bool]] = super()._augmentation_space(num_bins)
        return {name: space[name] for name in self.kept}


def change_light(pixels: Tensor, random: torch.Generator) -> Tensor:
    """Change brightness, contrast, tone curve and the like of each image by itself.

    Args:
        pixels: uint8 ``(N, C, S, S)`` with 1 or 3 channels.
        random: a CPU generator; torch's global one is left as it was.
    """
    light = Light(pixels.shape[1])
    seed = int(torch.randint(2**31, (1,), generator=random))
    # torchvision draws from the global generator alone.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return torch.stack([light(image) for image in pixels])


def augment(pixels: Tensor, random: torch.Generator, device: torch.device) -> Tensor:
    """A batch as the classical arms see it: light changed in ``uint8``, then random affine.

    Args:
        pixels: uint8 ``(N, C, S, S)`` with 1 or 3 channels.
        random: a CPU generator.
        device: where the result is to lie.

    Returns:
        ``(N, C, S, S)`` in [-1, 1].
    """
    return random_affine(to_batch(change_light(pixels, random), device), random)
