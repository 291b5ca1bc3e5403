"""Arrays of images and features: their types, and how pixels map to [-1, 1]."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
HALF_RANGE = 127.5  # of 0..255, which [-1, 1] stands for


def to_unit(pixels: Pixels) -> NDArray[np.float32]:
    """Pixels in 0..255 to floats in [-1, 1], any shape."""
    return pixels.astype(np.float32) / np.float32(HALF_RANGE) - np.float32(1)


def to_pixels(unit: NDArray[np.float32]) -> Pixels:
    """Floats in [-1, 1] to pixels in 0..255, any shape; values outside are clipped."""
    pixels: Pixels = np.rint(np.clip((unit + 1) * HALF_RANGE, 0, 255)).astype(np.uint8)
    return pixels


def pixel_hash(image: Pixels) -> str:
    """SHA-256 of one image's pixels and shape, independent of its file's format and name."""
    return hashlib.sha256(repr(image.shape).encode() + np.ascontiguousarray(image).data).hexdigest()


Features = NDArray[np.float64]
Points = NDArray[np.float64]  # (N, 2), x and y


def directions(features: Features) -> Features:
    """Features ``(N, D)`` brought to length one; such of length 0 stay as they are."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    found: Features = features / np.maximum(lengths, 1e-12)
    return found
