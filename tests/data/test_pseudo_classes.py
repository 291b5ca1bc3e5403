"""Groups of alike images as classes of their own."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from l2laug.data.image_set import ImageSet
from l2laug.data.pseudo_classes import with_pseudo_classes


@pytest.fixture
def striped() -> ImageSet:
    """A class of 12: stripes across, stripes along and dark left halves, each moved at random."""
    random = np.random.default_rng(0)
    waves = 127 + 100 * np.sin(np.arange(32))[:, None] * np.ones(32)
    half = np.where(np.arange(32) < 16, 40.0, 200.0) * np.ones((32, 1))
    images = []
    for number in range(12):
        if number % 3 < 2:
            image = np.roll(waves, random.integers(32), 0)
            image = image.T if number % 3 else image
        else:
            image = half
        images.append(image + random.normal(0, 5, (32, 32)))
    pixels = np.clip(np.stack(images), 0, 255).astype(np.uint8)[:, None]
    paths = tuple(Path(f"a/{i}.png") for i in range(12))
    return ImageSet(
        np.concatenate([pixels, pixels[:2]]),
        np.array([0] * 12 + [1] * 2),
        ("a", "b"),
        (*paths, Path("b/1.png"), Path("b/2.png")),
    )


def test_images_that_are_alike_become_a_class(striped: ImageSet) -> None:
    split = with_pseudo_classes(striped, 3)

    assert split.classes == ("a/00", "a/01", "a/02", "b/00")
    kinds = [{int(n) for n in split.labels[:12][i::3]} for i in range(3)]
    assert all(len(kind) == 1 for kind in kinds)
    assert set().union(*kinds) == {0, 1, 2}
    assert split.labels[12:].tolist() == [3, 3]
    assert split.paths == striped.paths


def test_a_part_has_four_images_on_average_or_more(striped: ImageSet) -> None:
    split = with_pseudo_classes(striped, 24)
    assert len(split.classes) == 3 + 1


def test_a_single_image_is_a_part_of_its_own(striped: ImageSet) -> None:
    one = striped.take(np.array([0, 1, 2, 3, 4, 5, 6, 7, 12]))
    split = with_pseudo_classes(one, 2)
    assert split.classes == ("a/00", "a/01", "b/00")
    assert split.labels[-1] == 2


def test_one_part_leaves_all_as_it_is(striped: ImageSet) -> None:
    assert with_pseudo_classes(striped, 1) is striped


def test_the_same_seed_gives_the_same_parts(striped: ImageSet) -> None:
    one, two = (with_pseudo_classes(striped, 2, seed=1) for _ in range(2))
    np.testing.assert_array_equal(one.labels, two.labels)


def test_of_images_that_are_all_the_same_no_part_is_empty(striped: ImageSet) -> None:
    same = striped.take(np.zeros(12, np.int64))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # k-means finds fewer than it was asked for
        split = with_pseudo_classes(same, 3)

    # Of class b nothing is left, and that was so before.
    assert [int(n) for n in np.bincount(split.labels, minlength=2)] == [12, 0]
    assert split.classes == ("a/00", "b/00")
