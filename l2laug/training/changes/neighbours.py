"""Pairs that can be turned into one another: nearest neighbours of a class in general features."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from l2laug.core.arrays import Features, Pixels
from l2laug.nn.batches import to_batch

LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
Rows = NDArray[np.int64]


def nearest_in_class(features: Features, labels: Rows, count: int) -> Rows:
    """For each image the rows of its nearest of the class by cosine, ``(N, count)``.

    A class with fewer others repeats them; an image alone in its class is its own neighbour.

    Args:
        features: ``(N, D)``.
        labels: ``(N,)``.
        count: neighbours wanted.
    """
    nearest = np.empty((len(labels), count), np.int64)
    for label in np.unique(labels):
        mine = np.flatnonzero(labels == label)
        unit = features[mine].astype(np.float32)
        unit /= np.linalg.norm(unit, axis=1, keepdims=True) + 1e-8
        alike = unit @ unit.T
        np.fill_diagonal(alike, -2)  # below every cosine
        order = np.argsort(-alike, axis=1, kind="stable")[:, : max(1, min(count, len(mine) - 1))]
        nearest[mine] = mine[np.resize(order.T, (count, len(mine))).T]
    return nearest


def class_weights(classes: tuple[str, ...]) -> NDArray[np.float64]:
    """How often each class is drawn, ``(K,)``, 1 in all.

    Classes named ``SET-NAME`` stand for the root of their set's number of classes together, so
    that a set of 200 classes does not drown one of four. Others count alike.
    """
    sets = [name.split("-")[0] if "-" in name else f"/{name}" for name in classes]
    _, inverse, counts = np.unique(np.array(sets), return_inverse=True, return_counts=True)
    weights = counts[inverse] ** -0.5
    found: NDArray[np.float64] = weights / weights.sum()
    return found


class NeighbourPairs:
    """Draws images, each with one of its nearest neighbours; half the pairs are mirrored.

    Draw number ``i`` depends on the seed and ``i`` alone: ``drawn`` is all that resuming needs.

    Args:
        pixels: ``(N, C, S, S)`` uint8.
        nearest: ``(N, K)``, see :func:`nearest_in_class`.
        labels: ``(N,)`` classes of the images.
        weights: how often each class is drawn, ``(number of classes,)``, in any unit.
        seed: of the draws.
        grey: share of pairs that are shown in grey.
        mirror: whether pairs may be mirrored.
    """

    def __init__(
        self,
        pixels: Pixels,
        nearest: Rows,
        labels: Rows,
        weights: NDArray[np.float64],
        seed: int,
        *,
        grey: float = 0.0,
        mirror: bool = True,
    ) -> None:
        self.pixels, self.nearest, self.seed = pixels, nearest, seed
        self.grey, self.mirror, self.drawn = grey, mirror, 0
        each = weights[labels] / np.bincount(labels, minlength=len(weights))[labels]
        self._edges = np.cumsum(each / each.sum())

    def draw(self, batch: int, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
        """Two batches ``(N, C, S, S)`` in [-1, 1]: what is given, and what it is to become."""
        random = np.random.default_rng((self.seed, self.drawn))
        self.drawn += 1
        chosen = np.searchsorted(self._edges, random.random(batch))
        given = np.minimum(chosen, len(self._edges) - 1)  # rounding may leave the last edge below 1
        other = self.nearest[given, random.integers(self.nearest.shape[1], size=batch)]
        flipped = random.random(batch) < (0.5 if self.mirror else 0.0)
        greys = random.random(batch) < self.grey
        place = torch.device("cpu") if device is None else device
        first, second = (self._shown(rows, flipped, greys) for rows in (given, other))
        return to_batch(first, place), to_batch(second, place)

    def _shown(self, rows: Rows, flipped: NDArray[np.bool_], greys: NDArray[np.bool_]) -> Tensor:
        x = np.stack([self.pixels[row] for row in rows])
        x[flipped] = x[flipped, :, :, ::-1]
        if x.shape[1] == len(LUMA):
            luma = np.tensordot(x[greys], LUMA, (1, 0)).round().astype(np.uint8)
            x[greys] = luma[:, None]
        return torch.from_numpy(x)
