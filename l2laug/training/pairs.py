"""Random pairs of images of one class, drawn from a set that stays in memory."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from l2laug.data.image_set import ImageSet
from l2laug.nn.augment import random_affine
from l2laug.nn.batches import to_batch, to_device

ALONE = 0.5  # strength of the affine changes between a single image and itself


class Pairs(NamedTuple):
    """A batch of pairs.

    Attributes:
        given: ``(N, C, S, S)`` in [-1, 1].
        other: another image of the same class in each row.
        labels: ``(N,)`` int64, the class of each row.
    """

    given: Tensor
    other: Tensor
    labels: Tensor


class PairSampler:
    """Draws pairs ``(x_i, x_j)`` of different images of one class, the classes equally often.

    A single image is paired with small random affine changes of itself: paired with itself as it
    is, it would teach the critic that real pairs are two equal images, and the generator to copy.
    Draw number ``i`` depends on the seed and ``i`` alone, so ``drawn`` is all the state that a
    resumed training needs.

    Args:
        images: what to draw from.
        device: where the pairs are wanted.
        seed: of this sampler's own random generator.
        jitter: from 0 to 1, how far each image of a pair is turned, moved, scaled and slanted on
            its own; 1 is as far as :func:`random_affine` goes.
        place: of this sampler among ``places`` that draw from the same images with the same seed,
            each what the others do not.
        places: how many there are.
    """

    def __init__(
        self,
        images: ImageSet,
        device: torch.device,
        seed: int,
        *,
        jitter: float = 0.0,
        place: int = 0,
        places: int = 1,
    ) -> None:
        self.pixels = torch.from_numpy(images.pixels).to(device)
        self.rows = [np.flatnonzero(images.labels == i) for i in range(len(images.classes))]
        others = np.array([max(len(rows) - 1, 1) for rows in self.rows], np.int64)
        self.others = torch.from_numpy(others).to(device)
        self.any_alone = bool((others == 1).any())  # has to be known without waiting for a GPU
        self.seed = seed
        self.jitter = jitter
        self.place, self.places = place, places
        self.drawn = 0

    def draw(self, batch: int, group: int = 1) -> Pairs:
        """Draw a batch of pairs.

        Rows ``i``, ``i + batch / group``, ... share the first image; their second images differ as
        far as the class has enough.
        """
        random = np.random.default_rng((self.seed, self.drawn * self.places + self.place))
        self.drawn += 1
        givens = batch // group
        first, second = np.empty((2, group, givens), np.int64)
        chosen = random.integers(len(self.rows), size=givens)
        for i, c in enumerate(chosen):
            order = random.permutation(self.rows[c])
            first[:, i] = order[0]
            second[:, i] = np.resize(order[1:] if len(order) > 1 else order, group)
        changes = torch.Generator().manual_seed(int(random.integers(2**62)))
        labels = to_device(torch.from_numpy(np.tile(chosen, group)), self.pixels.device)
        given, other = (self._unit(rows.ravel(), changes) for rows in (first, second))
        if self.any_alone and not self.jitter:
            alone = to_device(torch.from_numpy((first == second).ravel()), other.device)
            changed = random_affine(other, changes, strength=ALONE)
            other = torch.where(alone.view(-1, 1, 1, 1), changed, other)
        return Pairs(given, other, labels)

    def distinct(self, labels: Tensor, group: int) -> Tensor:
        """How many different second images the groups of a draw hold, in their first rows.

        Args:
            labels: ``(N,)`` of the draw.
            group: rows of a group.

        Returns:
            ``(N / group,)`` int64, from 1 to ``group``.
        """
        return self.others.clamp(max=group)[labels[: len(labels) // group]]

    def _unit(self, rows: NDArray[np.int64], changes: torch.Generator) -> Tensor:
        device = self.pixels.device
        x = to_batch(self.pixels[to_device(torch.from_numpy(rows), device)], device)
        if self.jitter:
            x = random_affine(x, changes, strength=self.jitter)
        return x.contiguous(memory_format=torch.channels_last)
