"""Styles against images worked out by hand, and domains that depend on their number alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from l2laug.core.arrays import Pixels
from l2laug.data.domains import Domain, Style, draw_domains
from l2laug.data.image_set import ImageSet


def paper(*dark: tuple[int, int]) -> Pixels:
    """A white image of nine pixels square with dark ones in some rows and columns."""
    pixels = np.full((1, 1, 9, 9), 255, np.uint8)
    for row, column in dark:
        pixels[0, 0, row, column] = 0
    return pixels


def dark_of(pixels: Pixels) -> set[tuple[int, int]]:
    return {(int(r), int(c)) for r, c in np.argwhere(pixels[0, 0] < 128)}


def test_no_style_leaves_images_as_they_are():
    noise = np.random.default_rng(0).integers(0, 256, (3, 3, 16, 16), np.uint8)
    assert np.array_equal(Style().apply(noise), noise)


def test_light_and_dark_are_swapped():
    assert np.array_equal(Style(inverted=True).apply(paper((4, 4))), 255 - paper((4, 4)))


def test_black_and_white_become_what_the_style_says():
    changed = Style(dark=0.2, light=0.8).apply(paper((4, 4)))
    assert (changed[0, 0, 4, 4], changed[0, 0, 0, 0]) == (51, 204)


def test_a_stroke_grows_by_a_pixel_on_either_side():
    around = {(r, c) for r in (3, 4, 5) for c in (3, 4, 5)}
    assert dark_of(Style(thickness=1).apply(paper((4, 4)))) == around
    assert Style(thickness=0.4).apply(paper((4, 4)))[0, 0, 3, 3] == 153  # 255 * (1 - .4)
    assert dark_of(Style(thickness=-1).apply(paper(*around))) == {(4, 4)}


def test_a_slant_leans_what_is_upright_to_the_right_about_the_middle():
    upright = paper(*((row, 4) for row in range(9)))
    # Half the height above the middle a slant of .5 is two pixels to the right, below to the left.
    leaning = dark_of(Style(slant=0.5).apply(upright))
    assert {(0, 6), (2, 5), (4, 4), (6, 3), (8, 2)} <= leaning


def test_a_blur_spreads_ink_and_keeps_its_amount():
    blurred = Style(blur=0.8).apply(paper((4, 4)))
    ink = (255 - blurred.astype(float)).sum()
    assert blurred[0, 0, 4, 4] > 100
    assert ink == pytest.approx(255, rel=0.05)


def test_texture_is_as_strong_as_told_of_the_seed_and_another_in_each_image():
    grey = np.full((40, 1, 16, 16), 128, np.uint8)
    style = Style(texture=0.1, grain=1.0)
    drawn = style.apply(grey, seed=5)
    assert drawn.std() == pytest.approx(0.1 * 255, rel=0.05)
    assert np.array_equal(drawn, style.apply(grey, seed=5))
    assert not np.array_equal(drawn, style.apply(grey, seed=6))
    assert not np.array_equal(drawn[0], drawn[1])


@pytest.fixture
def source() -> ImageSet:
    labels = np.repeat(np.arange(10), 3)
    pixels = np.repeat(labels.astype(np.uint8), 64).reshape(30, 1, 8, 8)
    return ImageSet(pixels, labels, tuple("abcdefghij"), (Path("x.png"),) * 30)


def test_domains_are_neighbours_and_number_i_is_the_same_however_many_there_are(source: ImageSet):
    many, few = draw_domains(source, 20, 4, 1), draw_domains(source, 3, 4, 1)
    assert many[:3] == few
    assert all(np.diff(domain.classes).tolist() == [1, 1, 1] for domain in many)
    assert len({domain.classes for domain in many}) > 3
    assert len({domain.style for domain in many}) == 20
    assert draw_domains(source, 3, 4, 2) != few


def test_a_domain_of_more_classes_than_there_are_has_all(source: ImageSet):
    (domain,) = draw_domains(source, 1, 99, 0)
    assert domain.classes == tuple(range(10))


def test_the_images_of_a_domain_are_those_of_its_classes_in_its_style(source: ImageSet):
    images = Domain((3, 4), Style(inverted=True), 0).images(source)
    assert images.classes == ("d", "e")
    assert sorted(set(images.pixels.ravel().tolist())) == [251, 252]
    assert images.labels.tolist() == [0, 0, 0, 1, 1, 1]
