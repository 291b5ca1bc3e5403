"""KID against closed forms of the cubic kernel."""

from __future__ import annotations

import numpy as np
import pytest

from l2laug.core.errors import ImageError
from l2laug.metrics.kid import kernel_distance


def test_two_points_by_hand():
    """Sets that are one point each: k(a, a) + k(b, b) - 2 k(a, b), D = 2."""
    here, there = np.tile([2.0, 0.0], (3, 1)), np.tile([0.0, 4.0], (5, 1))

    # (4/2 + 1)^3 + (16/2 + 1)^3 - 2 (0 + 1)^3
    assert kernel_distance(here, there) == pytest.approx(27 + 729 - 2)


def test_an_image_does_not_count_as_its_own_neighbour():
    """Points 1 and -1 in one dimension: k(1, -1) = 0, which is the mean over the only pair."""
    here, there = np.array([[1.0], [-1.0]]), np.array([[0.0], [0.0]])

    assert kernel_distance(here, there) == pytest.approx(0 + 1 - 2 * 1)


@pytest.mark.parametrize("count", [2, 5, 40])
def test_it_is_unbiased_however_few_images_there_are(count: int):
    draws = np.random.default_rng(0).standard_normal((1500, 2, count, 4))
    found = np.array([kernel_distance(a, b) for a, b in draws])

    error = found.std() / len(found) ** 0.5
    assert abs(found.mean()) < 3.5 * error
    assert found.min() < 0 < found.max()


def test_of_shifted_normals_it_is_the_difference_of_three_moments_on_average():
    """(xy + 1)^3 = 1 + 3xy + 3(xy)^2 + (xy)^3; N(0, 1) has moments 0, 1, 0, N(1, 1) 1, 2, 4."""
    random = np.random.default_rng(1)
    found = [
        kernel_distance(random.standard_normal((60, 1)), random.standard_normal((40, 1)) + 1)
        for _ in range(800)
    ]

    expected = 3 * (1 - 0) ** 2 + 3 * (2 - 1) ** 2 + (4 - 0) ** 2
    assert np.mean(found) == pytest.approx(expected, abs=3.5 * np.std(found) / 800**0.5)


def test_neither_order_nor_side_matters():
    random = np.random.default_rng(2)
    here, there = random.standard_normal((30, 5)), random.gamma(2, size=(20, 5))

    found = kernel_distance(here, there)
    assert kernel_distance(here[::-1], random.permutation(there)) == pytest.approx(found)
    assert kernel_distance(there, here) == pytest.approx(found)


@pytest.mark.parametrize(("here", "there"), [(1, 5), (5, 1)])
def test_a_single_image_has_no_pairs(here: int, there: int):
    with pytest.raises(ImageError, match="two images"):
        kernel_distance(np.ones((here, 3)), np.ones((there, 3)))
