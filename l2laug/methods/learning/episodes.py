"""Episodes: batches of classes with some images of each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from l2laug.data.image_set import ImageSet
from l2laug.nn.batches import to_batch, to_device


class Episode(NamedTuple):
    """A batch of classes.

    Attributes:
        images: ``(N, K, C, S, S)`` in [-1, 1], K images of one class in each row.
        labels: ``(N,)`` int64, the class of each row.
    """

    images: Tensor
    labels: Tensor


class EpisodeSampler:
    """Draws classes equally often, and different images of each as far as it has enough.

    Draw number ``i`` depends on the seed and ``i`` alone, so ``drawn`` is all the state that a
    resumed training needs.

    Args:
        images: what to draw from.
        device: where the images are wanted.
        seed: of this sampler's own random generator.
        shots: K, images of a class.
        place: of this sampler among ``places`` that draw from the same images with the same seed,
            each what the others do not.
        places: how many there are.
    """

    def __init__(
        self,
        images: ImageSet,
        device: torch.device,
        seed: int,
        shots: int,
        *,
        place: int = 0,
        places: int = 1,
    ) -> None:
        self.pixels = torch.from_numpy(images.pixels).to(device)
        self.rows = [np.flatnonzero(images.labels == i) for i in range(len(images.classes))]
        self.seed, self.shots = seed, shots
        self.place, self.places = place, places
        self.drawn = 0

    def draw(self, batch: int) -> Episode:
        """Draw ``batch`` classes."""
        random = np.random.default_rng((self.seed, self.drawn * self.places + self.place))
        self.drawn += 1
        chosen = random.integers(len(self.rows), size=batch)
        rows = np.stack([np.resize(random.permutation(self.rows[c]), self.shots) for c in chosen])
        device = self.pixels.device
        flat = self.pixels[to_device(torch.from_numpy(rows.ravel()), device)]
        images = to_batch(flat, device).unflatten(0, (batch, self.shots))
        return Episode(images, to_device(torch.from_numpy(chosen), device))
