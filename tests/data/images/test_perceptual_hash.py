"""The perceptual hash and the symmetries it is compared in, on patches of real photographs."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_sample_image

from l2laug.core.arrays import Pixels
from l2laug.data.images.perceptual_hash import (
    BITS,
    SYMMETRIES,
    Hashes,
    near_pairs,
    perceptual_hashes,
    symmetric,
)


@pytest.fixture(scope="module")
def patches() -> Pixels:
    china = load_sample_image("china.jpg")
    corners = [(y, x) for y in (0, 140, 280) for x in range(0, 560, 140)]
    return np.stack([china[y : y + 128, x : x + 128].transpose(2, 0, 1) for y, x in corners])


def test_the_eight_symmetries_are_different_and_keep_every_pixel(patches: Pixels):
    found = [symmetric(patches[:1], k) for k in range(len(SYMMETRIES))]

    assert len({one.tobytes() for one in found}) == len(SYMMETRIES) == 8
    assert len({int(one.sum(dtype=np.int64)) for one in found}) == 1


@pytest.mark.parametrize("k", range(8))
def test_an_image_and_itself_turned_or_mirrored_have_one_hash(patches: Pixels, k: int):
    two = np.concatenate([symmetric(patches[:1], k), patches[:1]])

    [[first, second, symmetry, bits, correlation]] = near_pairs(perceptual_hashes(two), 10, 2)

    assert (first, second, symmetry) == (0, 1, k)
    assert bits <= 2
    assert correlation == pytest.approx(1, abs=1e-5)


def test_a_copy_in_another_light_and_size_is_near_and_other_patches_are_not(patches: Pixels):
    darker = (patches[:3, :, ::2, ::2] * 0.7).astype(np.uint8)
    large, small = perceptual_hashes(patches), perceptual_hashes(darker)
    both = Hashes(*(np.concatenate(two, 1) for two in zip(large, small, strict=True)))

    pairs = near_pairs(both, 24, 2)

    assert [pair[:2] for pair in pairs] == [(i, len(patches) + i) for i in range(3)]
    differ = (BITS - large.bits[0] @ large.bits[0].T) / 2
    apart = differ[np.triu_indices(len(patches), 1)]
    assert abs(apart.mean() - BITS / 2) < 10, "hashes of unrelated images differ in half the bits"


def test_pairs_are_found_across_blocks(patches: Pixels, monkeypatch: pytest.MonkeyPatch):
    hashes = perceptual_hashes(np.concatenate([patches, patches]))
    whole = sorted(pair[:3] for pair in near_pairs(hashes, 10, 2))
    monkeypatch.setattr("l2laug.data.images.perceptual_hash.BLOCK", 5)

    assert sorted(pair[:3] for pair in near_pairs(hashes, 10, 2)) == whole
    assert whole == [(i, 12 + i, 0) for i in range(12)]


def test_blank_images_are_alike():
    blank = np.full((2, 1, 32, 32), 255, np.uint8)

    assert [pair[:4] for pair in near_pairs(perceptual_hashes(blank), 10, 2)] == [(0, 1, 0, 0)]
