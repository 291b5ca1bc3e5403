"""Turned, mirrored and inverted classes as classes of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from l2laug.data.class_augmentation import with_class_augmentation
from l2laug.data.image_set import ImageSet

CORNER = np.array([[[1, 2], [3, 4]]], np.uint8)


@pytest.fixture
def two() -> ImageSet:
    pixels = np.stack([CORNER, CORNER + 10, CORNER + 20])
    paths = tuple(Path(name) for name in ("a/1.png", "b/1.png", "b/2.png"))
    return ImageSet(pixels, np.array([0, 1, 1]), ("a", "b"), paths)


def test_without_variants_all_stays(two: ImageSet) -> None:
    same = with_class_augmentation(two, ())
    assert (same.classes, same.paths) == (two.classes, two.paths)
    np.testing.assert_array_equal(same.pixels, two.pixels)
    np.testing.assert_array_equal(same.labels, two.labels)


@pytest.mark.parametrize(
    ("variant", "changed"),
    [
        ("rot90", [[2, 4], [1, 3]]),
        ("flip", [[2, 1], [4, 3]]),
        ("invert", [[254, 253], [252, 251]]),
    ],
)
def test_a_variant_is_another_class(two: ImageSet, variant: str, changed: list[list[int]]) -> None:
    more = with_class_augmentation(two, (variant,))  # type: ignore[arg-type]
    assert more.classes == ("a", "b", f"a/{variant}", f"b/{variant}")
    np.testing.assert_array_equal(more.labels, [0, 1, 1, 2, 3, 3])
    np.testing.assert_array_equal(more.pixels[3], [changed])
    np.testing.assert_array_equal(more.pixels[:3], two.pixels)
    assert more.paths[3:] == two.paths


def test_variants_combine(two: ImageSet) -> None:
    more = with_class_augmentation(two, ("rot90", "flip", "invert"))
    assert (len(more.classes), len(more.pixels)) == (16, 24)
    assert more.classes[-1] == "b/rot90/flip/invert"
    first = [p.tobytes() for p in more.pixels[::3]]
    assert len(set(first)) == 8
    np.testing.assert_array_equal(more.pixels[-3], 255 - np.array([[[4, 2], [3, 1]]], np.uint8))
