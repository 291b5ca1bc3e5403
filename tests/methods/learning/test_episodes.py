"""Episodes: their classes, their images, and going on with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from l2laug.data.image_set import ImageSet
from l2laug.methods.learning.episodes import EpisodeSampler

CPU = torch.device("cpu")


def numbered(*counts: int) -> ImageSet:
    """Classes of so many images, each of its own level."""
    labels = np.repeat(np.arange(len(counts)), counts)
    levels = np.arange(len(labels), dtype=np.uint8)[:, None, None, None]
    pixels = np.broadcast_to(levels, (len(labels), 1, 4, 4)).copy()
    return ImageSet(pixels, labels, tuple("abcdef"[: len(counts)]), (Path(),) * len(labels))


def levels(sampler: EpisodeSampler, batch: int) -> tuple[list[list[int]], list[int]]:
    episode = sampler.draw(batch)
    found = ((episode.images[:, :, 0, 0, 0] + 1) * 127.5).round().int().tolist()
    return found, episode.labels.tolist()


def test_rows_are_different_images_of_their_class():
    images, labels = levels(EpisodeSampler(numbered(5, 4), CPU, 0, 3), 200)

    for row, label in zip(images, labels, strict=True):
        assert len(set(row)) == 3
        assert set(row) <= (set(range(5)) if label == 0 else set(range(5, 9)))
    assert 70 < sum(labels) < 130  # either class is drawn equally often
    assert len({tuple(row) for row in images}) > 50


def test_a_class_of_fewer_images_repeats_some():
    images, _ = levels(EpisodeSampler(numbered(2, 2), CPU, 0, 3), 20)
    assert all(len(set(row)) == 2 for row in images)


def test_what_was_drawn_is_gone_on_from():
    first, again = (EpisodeSampler(numbered(9, 9), CPU, 3, 2) for _ in range(2))
    drawn = [levels(first, 4) for _ in range(3)]
    again.drawn = 2
    assert levels(again, 4) == drawn[2]
    assert drawn[0] != drawn[1]


def test_processes_draw_what_the_others_do_not():
    one, other = (EpisodeSampler(numbered(9, 9), CPU, 3, 2, place=p, places=2) for p in range(2))
    assert levels(one, 8) != levels(other, 8)
