"""Perceptual hash of images and of their mirrored and turned forms."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dctn

from l2laug.core.arrays import Pixels

SIDE, LOW = 32, 16
BITS = LOW * LOW - 1
SYMMETRIES = (
    "",
    "turned by 90 degrees",
    "turned by 180 degrees",
    "turned by 270 degrees",
    "mirrored",
    "turned by 90 degrees and mirrored",
    "turned by 180 degrees and mirrored",
    "turned by 270 degrees and mirrored",
)
BLOCK = 512  # images compared with all others at once

LUMA = np.array([0.299, 0.587, 0.114])  # of RGB, as JPEG keeps it best
TINY = 1e-3  # norm of what a blank image has beside its mean
Number = TypeVar("Number", np.uint8, np.float32)


class Hashes(NamedTuple):
    """Hashes of N images in the eight symmetries.

    Attributes:
        bits: ``(8, N, 255)`` of -1 and 1.
        waves: ``(8, N, 255)`` the coefficients that the bits come from, of unit norm.
    """

    bits: NDArray[np.float32]
    waves: NDArray[np.float32]


def symmetric(images: NDArray[Number], symmetry: int) -> NDArray[Number]:
    """Images ``(..., S, S)`` turned and mirrored as ``SYMMETRIES[symmetry]`` says."""
    turned = np.rot90(images, symmetry % 4, (-2, -1))
    return np.ascontiguousarray(turned[..., ::-1] if symmetry >= 4 else turned)


def perceptual_hashes(pixels: Pixels) -> Hashes:
    """Hashes of uint8 images ``(N, C, S, S)`` in each symmetry.

    The pHash of Zauner (2010, section 3.2.1) with 255 bits in place of 64: whether a coefficient of
    the discrete cosine transform of the grey image at 32x32 is above the median of the 16x16
    lowest, the constant one left out. Size, encoding, brightness and contrast hardly change it. In
    smooth images small coefficients tell nothing; so the coefficients themselves are kept too.
    """
    small = np.empty((len(pixels), SIDE, SIDE), np.float32)
    for i, image in enumerate(pixels):
        weights = LUMA if len(image) == len(LUMA) else np.full(len(image), 1 / len(image))
        grey = Image.fromarray(np.tensordot(weights.astype(np.float32), image, 1))
        small[i] = np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.LANCZOS))
    bits, waves = [], []
    for symmetry in range(len(SYMMETRIES)):
        low = dctn(symmetric(small, symmetry), axes=(-2, -1), norm="ortho")[:, :LOW, :LOW]
        low = low.reshape(len(pixels), LOW * LOW)[:, 1:]
        above = low > np.median(low, axis=1, keepdims=True)
        bits.append(np.where(above, np.float32(1), np.float32(-1)))
        waves.append(low / np.maximum(np.linalg.norm(low, axis=1, keepdims=True), TINY))
    return Hashes(np.stack(bits), np.stack(waves))


def near_pairs(
    hashes: Hashes, most: int, correlated: float
) -> list[tuple[int, int, int, int, float]]:
    """Pairs with few different bits or a high correlation in the symmetry where these are best.

    Args:
        hashes: of N images.
        most: bits of 255 that may differ; those of unrelated images differ in some 128.
        correlated: the correlation that is enough, whatever the bits.

    Returns:
        Of each pair the row of the first image, that of the second (the larger), the number of the
        symmetry that brings the second to the first, the bits that differ and the correlation.
    """
    found = list[tuple[int, int, int, int, float]]()
    for start in range(0, hashes.bits.shape[1], BLOCK):
        agree, correlation = (
            np.stack([of[0, start : start + BLOCK] @ other[start:].T for other in of])
            for of in hashes
        )
        symmetry = (agree / BITS + correlation).argmax(0)
        agree, correlation = (
            np.take_along_axis(of, symmetry[None], 0)[0] for of in (agree, correlation)
        )
        differ = np.rint((BITS - agree) / 2).astype(np.int64)
        first, second = np.nonzero(np.triu((differ <= most) | (correlation >= correlated), 1))
        found += [
            (
                int(i) + start,
                int(j) + start,
                int(symmetry[i, j]),
                int(differ[i, j]),
                float(correlation[i, j]),
            )
            for i, j in zip(first, second, strict=True)
        ]
    return found
