"""The diversity of a set of features."""

from __future__ import annotations

import numpy as np
import pytest

from l2laug.core.errors import ImageError
from l2laug.metrics.diversity import diversity, mean_diversity, pairwise

# A right triangle with sides 3, 4 and 5.
TRIANGLE = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]])


def test_diversity_is_the_mean_side_of_a_triangle():
    assert diversity(TRIANGLE) == pytest.approx(4)


def test_diversity_scales_and_does_not_care_where_the_set_lies():
    assert diversity(TRIANGLE * 2) == pytest.approx(8)
    assert diversity(TRIANGLE + 100) == pytest.approx(4)


def test_equal_images_have_no_diversity():
    assert diversity(np.full((4, 3), 0.3)) == pytest.approx(0, abs=1e-7)


def test_the_mean_over_classes_leaves_out_those_of_one_image():
    features = np.concatenate([TRIANGLE, TRIANGLE * 3, TRIANGLE[:1]])

    assert mean_diversity(features, np.repeat([0, 4, 7], [3, 3, 1])) == pytest.approx((4 + 12) / 2)


def test_one_image_has_no_diversity():
    with pytest.raises(ImageError, match="two images"):
        diversity(TRIANGLE[:1])


def test_pairwise_distances_by_hand():
    distances = pairwise(TRIANGLE, np.array([[3.0, 4.0], [0.0, 0.0]]))

    assert distances == pytest.approx(np.array([[5, 0], [4, 3], [3, 4]]))
