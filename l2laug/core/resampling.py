"""Matrices that resample a row of nodes or of pixels, the same for numpy, torch and ONNX."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def node_positions(pixels: int, nodes: int) -> Array:
    """Where the centres of ``pixels`` lie on ``nodes`` that reach from border to border."""
    centres = (np.arange(pixels) + 0.5) / pixels
    return (centres * (nodes - 1)).astype(np.float32)


def pixel_positions(pixels: int, others: int) -> Array:
    """Where the centres of ``pixels`` lie among the centres of ``others`` on the same length."""
    return ((np.arange(pixels) + 0.5) / pixels * others - 0.5).astype(np.float32)


def cubic_matrix(positions: Array, nodes: int) -> Array:
    """The weights ``(len(positions), nodes)`` of Catmull-Rom interpolation between nodes.

    Beyond the first and the last node the row goes on along its end's slope, so that straight rows
    stay straight: an affine motion given at a few nodes is exact everywhere (Keys 1981).
    """
    if nodes < 2:
        return np.ones((len(positions), nodes), np.float32)
    left = np.clip(np.floor(positions), 0, nodes - 2).astype(np.int64)
    t = (positions - left).astype(np.float64)
    weights = np.stack(
        [
            -0.5 * t + t**2 - 0.5 * t**3,
            1 - 2.5 * t**2 + 1.5 * t**3,
            0.5 * t + 2 * t**2 - 1.5 * t**3,
            -0.5 * t**2 + 0.5 * t**3,
        ],
        1,
    )
    outside = (t < 0) | (t > 1)
    straight = np.stack([np.zeros_like(t), 1 - t, t, np.zeros_like(t)], 1)
    weights = np.where(outside[:, None], straight, weights)
    wide = np.zeros((len(positions), nodes + 2))
    rows = np.arange(len(positions))
    for i in range(4):
        wide[rows, left + i] += weights[:, i]
    # The two nodes beyond the ends are 2 a - b of the two next to them.
    wide[:, 1] += 2 * wide[:, 0]
    wide[:, 2] -= wide[:, 0]
    wide[:, -2] += 2 * wide[:, -1]
    wide[:, -3] -= wide[:, -1]
    return wide[:, 1:-1].astype(np.float32)


def linear_matrix(positions: Array, pixels: int) -> Array:
    """The weights ``(len(positions), pixels)`` of linear interpolation, held beyond the ends."""
    held = np.clip(positions, 0, pixels - 1)
    left = np.minimum(np.floor(held).astype(np.int64), max(pixels - 2, 0))
    t = held - left
    weights = np.zeros((len(positions), pixels), np.float32)
    rows = np.arange(len(positions))
    weights[rows, left] += 1 - t
    weights[rows, np.minimum(left + 1, pixels - 1)] += t
    return weights
