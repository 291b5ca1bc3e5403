"""CutMix and mixup among the images of one class: pairs of them become new images of it."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from l2laug.core.arrays import Pixels

MIXED = 100  # images that are made
SHARES = (0.25, 0.5, 0.75)  # of the rare class's weight that mixed images take


def mix(
    pixels: Pixels, kind: Literal["cutmix", "mixup"], seed: int
) -> tuple[Pixels, NDArray[np.int64]]:
    """Mixed images of random pairs, with even chances for every share of the two.

    A single image has no other to be mixed with: it is repeated as it is.

    Args:
        pixels: uint8 ``(N, C, S, S)`` of one class.
        kind: ``cutmix`` pastes a rectangle of one image into another (Yun et al. 2019), ``mixup``
            averages both (Zhang et al. 2018).
        seed: of the pairs and shares.

    Returns:
        :data:`MIXED` images, and the two rows ``(MIXED, 2)`` that each was made of.
    """
    random = np.random.default_rng(seed)
    first = np.arange(MIXED) % len(pixels)
    apart = random.integers(1, max(len(pixels), 2), MIXED)
    second = (first + apart) % len(pixels)
    shares = random.random(MIXED)
    if kind == "mixup":
        weight = shares[:, None, None, None]
        blended = pixels[first] * weight + pixels[second] * (1 - weight)
        return np.rint(blended).astype(np.uint8), np.stack([first, second], 1)
    mixed, (high, wide) = pixels[first].copy(), pixels.shape[-2:]
    for image, other, share in zip(mixed, pixels[second], shares, strict=True):
        h, w = (max(1, round(side * float(np.sqrt(1 - share)))) for side in (high, wide))
        top, left = random.integers(high - h + 1), random.integers(wide - w + 1)
        box = (slice(None), slice(top, top + h), slice(left, left + w))
        image[box] = other[box]
    return mixed, np.stack([first, second], 1)
