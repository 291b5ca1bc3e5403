"""The Inception Score of probabilities whose score is known."""

from __future__ import annotations

import numpy as np
import pytest

from l2laug.core.errors import ImageError
from l2laug.metrics.inception_score import inception_score


def test_where_nothing_is_told_apart_it_is_1():
    assert inception_score(np.full((7, 5), 0.2)) == pytest.approx(1)
    assert inception_score(np.tile([0.5, 0.3, 0.2], (7, 1))) == pytest.approx(1)


@pytest.mark.parametrize("kinds", [1, 2, 6])
def test_of_certain_images_of_so_many_kinds_it_is_their_number(kinds: int):
    certain = np.eye(8)[np.arange(kinds).repeat(3)]

    assert inception_score(certain) == pytest.approx(kinds)


def test_two_images_by_hand():
    # Both lie ln(0.8/0.5) * 0.8 + ln(0.2/0.5) * 0.2 from their mean.
    score = inception_score(np.array([[0.8, 0.2], [0.2, 0.8]]))

    assert score == pytest.approx((0.8 / 0.5) ** 0.8 * (0.2 / 0.5) ** 0.2)


def test_order_does_not_matter():
    found = np.random.default_rng(0).dirichlet(np.ones(4), 30)

    assert inception_score(found) == pytest.approx(inception_score(found[::-1]))


def test_no_image_has_no_score():
    with pytest.raises(ImageError, match="needs an image"):
        inception_score(np.empty((0, 3)))
