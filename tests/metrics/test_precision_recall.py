"""Precision and recall where the answer can be seen."""

from __future__ import annotations

import numpy as np
import pytest

from l2laug.core.errors import ImageError
from l2laug.metrics.neighbours import radii
from l2laug.metrics.precision_recall import precision, recall

LINE = np.arange(10.0)[:, None]


def test_radii_reach_to_the_kth_other_point():
    # From 0 the third other one is 3 away, from 1 it is 0, 2 or 3: two steps.
    assert radii(LINE, 3).tolist() == [3, 2, 2, 2, 2, 2, 2, 2, 2, 3]
    assert radii(np.zeros((4, 2)), 3).tolist() == [0, 0, 0, 0]


def test_identical_sets_are_wholly_precise_and_recalled():
    features = np.random.default_rng(0).standard_normal((40, 8)) + 50

    assert precision(features, features) == recall(features, features[::-1]) == 1


def test_points_in_and_out_of_reach_by_hand():
    # Balls around 0 to 9 cover -3 to 12.
    drawn = np.array([[-3.0], [-3.1], [5.5], [12.0], [12.1]])

    assert precision(LINE, drawn) == 3 / 5
    # The drawn points' third neighbours: 15, 15.1, 8.6, 15, 15.1 away, so all is in reach.
    assert recall(LINE, drawn) == 1


def test_mode_collapse_is_precise_and_does_not_recall():
    random = np.random.default_rng(1)
    modes = np.array([[0.0, 0.0], [100.0, 0.0]]).repeat(50, axis=0)
    real = modes + random.standard_normal(modes.shape)
    drawn = random.standard_normal((100, 2)) * 0.5

    assert precision(real, drawn) > 0.95
    assert recall(real, drawn) < 0.5
    assert recall(real[50:], drawn) == 0


def test_noise_far_from_everything_is_not_precise():
    random = np.random.default_rng(2)

    assert precision(random.standard_normal((50, 4)), random.standard_normal((50, 4)) + 100) == 0


def test_three_real_images_have_no_three_neighbours():
    with pytest.raises(ImageError, match="3 neighbours"):
        precision(LINE[:3], LINE)
    with pytest.raises(ImageError, match="3 neighbours"):
        recall(LINE, LINE[:3])
