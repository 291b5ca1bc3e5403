"""Scores of draws: what they are of real images themselves, and by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from l2laug.core.arrays import Pixels
from l2laug.data.image_set import ImageSet
from l2laug.evaluation.bundles.draw_scores import DrawScorer, mean_cosine, within_classes
from l2laug.evaluation.bundles.held_out import Split
from l2laug.features.extractor import Extractor


def two_classes(seed: int, count: int = 8) -> ImageSet:
    """Dark and bright noise."""
    random = np.random.default_rng(seed)
    levels = np.repeat([60, 190], count)[:, None, None, None]
    pixels = (levels + random.integers(-20, 21, (2 * count, 1, 32, 32))).astype(np.uint8)
    return ImageSet(pixels, np.repeat([0, 1], count), ("a", "b"), (Path(),) * (2 * count))


def quarters(pixels: Pixels) -> np.ndarray:
    """Mean levels of an image's quarters."""
    return pixels.reshape(len(pixels), 2, 16, 2, 16).mean((2, 4)).reshape(len(pixels), 4) / 255


def test_real_images_score_best_against_themselves():
    scorer = DrawScorer(Extractor("quarters", "", quarters), "cpu")
    split = Split(two_classes(0, 3), two_classes(1), two_classes(2))

    same = scorer(split.reference, split, 0)
    black = ImageSet(np.zeros_like(split.baseline.pixels), split.baseline.labels, ("a", "b"), ())
    none = scorer(black, split, 0)

    assert same.fid == pytest.approx(0, abs=1e-6)
    assert (same.precision, same.recall, same.own_class) == (1, 1, 1)
    assert same.lpips is None
    assert none.fid > 0.1
    assert (none.precision, none.recall) == (0, 0)
    assert none.own_class == 0.5  # all are dark
    assert none.diversity == 0
    assert none.two_sample == 1


def test_the_cosine_is_a_mean_over_rows():
    ours = np.array([[1.0, 0.0], [2.0, 2.0]])
    theirs = np.array([[0.0, 3.0], [1.0, 1.0]])
    assert mean_cosine(ours, theirs) == pytest.approx((0 + 1) / 2)


def test_neighbours_of_a_class_are_compared_and_never_two_classes():
    images = two_classes(0, 3)
    seen = []

    def distance(one: Pixels, other: Pixels) -> np.ndarray:
        seen.extend(zip(one[:, 0, 0, 0].tolist(), other[:, 0, 0, 0].tolist(), strict=True))
        return np.arange(len(one), dtype=float)

    found = within_classes(images, distance)

    a, b, c, d, e, f = images.pixels[:, 0, 0, 0].tolist()
    assert seen == [(a, b), (b, c), (d, e), (e, f)]
    assert found == pytest.approx(1.5)
    assert within_classes(images.take(np.array([0])), distance) is None
