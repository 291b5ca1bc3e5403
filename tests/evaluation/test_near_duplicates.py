"""Near duplicates by perceptual hash."""

from __future__ import annotations

import numpy as np
import pytest

from l2laug.core.arrays import Pixels
from l2laug.evaluation.near_duplicates import hash_distances, near_duplicates


def blobs(count: int, seed: int) -> Pixels:
    """Coarse noise, smooth enough for a hash of coarse shapes."""
    coarse = np.random.default_rng(seed).integers(20, 236, (count, 1, 8, 8), dtype=np.uint8)
    return coarse.repeat(4, 2).repeat(4, 3)


def test_a_copy_in_another_light_is_near_and_another_image_is_not():
    support = blobs(4, 0)
    darker = (support * 0.6).astype(np.uint8)

    assert hash_distances(support, support).max() == 0
    assert hash_distances(darker, support).max() <= 4
    assert hash_distances(blobs(30, 1), support).min() > 10


def test_a_planted_tenth_is_found():
    support, random = blobs(5, 0), np.random.default_rng(3)
    copies = np.clip(support[:1].repeat(10, 0) + random.integers(-8, 9, (10, 1, 32, 32)), 0, 255)
    samples = np.concatenate([copies.astype(np.uint8), blobs(90, 1)])
    found = near_duplicates(samples, support, blobs(40, 2))

    assert found.value == pytest.approx(0.1)
    assert found.low < 0.1 < found.high
    assert (found.baseline, found.too_small) == (0, "")
    assert found.reading == "more than among real images"


def test_real_images_read_as_real_images():
    found = near_duplicates(blobs(50, 1), blobs(5, 0), blobs(40, 2))

    assert (found.value, found.reading) == (0, "not more than among real images")


def test_without_held_out_images_there_is_no_baseline():
    found = near_duplicates(blobs(50, 1), blobs(5, 0), blobs(0, 2))

    assert found.baseline is None
    assert "held-out" in found.too_small
    assert found.reading == "no held-out real images to compare with"
