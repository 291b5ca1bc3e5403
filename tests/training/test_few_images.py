"""What few images tell of their class, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from l2laug.data.image_set import ImageSet
from l2laug.training.few_images import distinct, expected_diversity, frechet_to_few

# On a line at 0, 1, 0, 1: four of the six pairs of four lie 1 apart.
FOUR = np.arange(4.0)[:, None] % 2
OWN = 4 / 6


@pytest.mark.parametrize(
    ("usual", "trust"),
    [
        (OWN, 2.0),  # as of source classes: they count as much as two images
        # Two deviations off, of four images: sqrt(.15^2 + .05 / 3).
        (OWN * np.exp(2 * (0.15**2 + 0.05 / 3) ** 0.5), 2 * np.exp(-0.5)),
        (9.0, 0.0),  # of another domain: source classes tell nothing of it
    ],
)
def test_the_spread_expected_of_a_class_leans_on_source_classes_as_far_as_it_is_like_them(
    usual: float, trust: float
):
    expected = (4 * OWN + trust * usual) / (4 + trust)
    assert expected_diversity(FOUR, usual) == pytest.approx(expected, abs=1e-6)


def test_the_spread_expected_of_a_single_image_is_the_usual_one():
    assert expected_diversity(FOUR[:1], 9.0) == 9.0
    assert expected_diversity(np.ones((3, 2)), 9.0) > 0  # of images all alike, one can divide by it


def test_a_second_take_of_an_image_tells_of_no_other_one(support: ImageSet):
    first, second, third = support.pixels[:3]
    fainter = (128 + (first.astype(float) - 128) / 2).astype(np.uint8)

    found = distinct(np.stack([first, fainter, second, first, third]))

    assert found.tolist() == [0, 2, 4]


def test_the_distance_of_normals_by_hand():
    random = np.random.default_rng(0)
    draws = random.normal(0, 2, (1200, 200))  # so many dimensions that all distances are alike
    apart = 2 * (2 * 200) ** 0.5
    there = np.full((1, 200), 3.0)

    # Of many real images the whole shift counts, of one all but their variance.
    many = frechet_to_few([draws], [np.repeat(there, 400, 0)], [apart])
    assert many == pytest.approx(9 / 4, rel=0.02)
    assert frechet_to_few([draws], [there], [apart]) == pytest.approx(5 / 4, rel=0.02)
    assert frechet_to_few([draws], [there * 0], [apart]) == pytest.approx(0, abs=1e-3)
    # Half the deviation, and no shift: 1 / 2 - 1, squared.
    assert frechet_to_few([draws], [there * 0], [2 * apart]) == pytest.approx(1 / 4, rel=0.02)
