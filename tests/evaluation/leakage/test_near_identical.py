"""Near-identical images planted among patches of real photographs."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits, load_sample_image

from l2laug.core.arrays import Pixels
from l2laug.data.images.perceptual_hash import symmetric
from l2laug.evaluation.leakage.near_identical import find_near_identical, nearest_pairs

SIDE = 96


@pytest.fixture(scope="module")
def patches() -> Pixels:
    """24 patches of two photographs that do not overlap."""
    found = []
    for name in ("china.jpg", "flower.jpg"):
        photo = load_sample_image(name)
        found += [
            photo[y : y + SIDE, x : x + SIDE] for y in (0, 130, 260) for x in (0, 150, 300, 450)
        ]
    return np.stack(found).transpose(0, 3, 1, 2)


def encoded(image: Pixels) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(image.transpose(1, 2, 0)).save(buffer, "JPEG", quality=50)
    return np.asarray(Image.open(buffer)).transpose(2, 0, 1)


def halved(image: Pixels) -> Pixels:
    picture = Image.fromarray(image.transpose(1, 2, 0)).resize((SIDE // 2, SIDE // 2))
    return np.asarray(picture.resize((SIDE, SIDE))).transpose(2, 0, 1)


def cropped(image: Pixels) -> Pixels:
    picture = Image.fromarray(image.transpose(1, 2, 0))
    return np.asarray(picture.resize((SIDE, SIDE), box=(0, 2, SIDE - 2, SIDE))).transpose(2, 0, 1)


CHANGES: dict[str, Callable[[Pixels], Pixels]] = {
    "mirrored": lambda image: symmetric(image, 4),
    "turned by 90 degrees": lambda image: symmetric(image, 1),
    "encoded again": encoded,
    "half as large": halved,
    "darker": lambda image: (image * 0.6).astype(np.uint8),
    "turned, encoded and darker": lambda image: (encoded(symmetric(image, 3)) * 0.8).astype(
        np.uint8
    ),
    "cropped by 2 pixels": cropped,
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_planted_twin_is_found_and_nothing_else(patches: Pixels, change: str):
    # Patch 17 is of a flower's petals, 5 of a roof.
    planted = np.stack([CHANGES[change](patches[i]) for i in (5, 17)])

    pairs = find_near_identical(np.concatenate([patches, planted]))

    assert sorted((pair.first, pair.second) for pair in pairs) == [(5, 24), (17, 25)]


def test_how_a_twin_is_turned_is_told(patches: Pixels):
    [pair] = find_near_identical(np.stack([patches[3], symmetric(patches[3], 4)]))

    assert (pair.symmetry, pair.similarity) == ("mirrored", None)
    assert pair.bits <= 2


def test_of_many_copies_each_is_told_once(patches: Pixels):
    pairs = find_near_identical(patches[[0, 0, 1, 0, 0]])

    assert len(pairs) == 6
    assert sorted(pair.second for pair in nearest_pairs(pairs)) == [1, 3, 4]


def test_a_single_image_has_no_twin(patches: Pixels):
    assert find_near_identical(patches[:1]) == []


def test_scanned_digits_are_different_digits_but_for_a_planted_one() -> None:
    # Of 150 scans of 12 pixels no two are the same; to a net of photographs they all look alike.
    scans = load_digits().images[:150]
    padded = [np.pad(np.rint(255 - scan * (255 / 16)), 2, constant_values=255) for scan in scans]
    large = [
        np.asarray(Image.fromarray(scan.astype(np.uint8)).resize((SIDE, SIDE))) for scan in padded
    ]
    images = np.stack(large)[:, None].repeat(3, 1)
    assert len(find_near_identical(images)) <= 1
    planted = np.concatenate([images, images[[7]] // 2 + 100])
    assert (7, 150) in {(p.first, p.second) for p in find_near_identical(planted)}
