"""The Vendi score: how many different images a set amounts to."""

from __future__ import annotations

import numpy as np
import pytest

from l2laug.core.errors import ImageError
from l2laug.metrics.vendi import vendi_chance, vendi_score


def test_images_at_right_angles_count_each():
    assert vendi_score(np.eye(7) * [[1], [2], [3], [4], [5], [6], [7]]) == pytest.approx(7)


def test_images_of_one_direction_are_one():
    assert vendi_score(np.array([[1.0, 2], [2, 4], [0.5, 1]])) == pytest.approx(1)


def test_by_hand():
    # Three images of which two are alike: eigenvalues 2/3 and 1/3, exp(log 3 - 2/3 log 2).
    assert vendi_score(np.eye(2)[[0, 0, 1]]) == pytest.approx(3 / 2 ** (2 / 3))


def test_two_images_at_an_angle():
    # The eigenvalues of [[1, c], [c, 1]] / 2 are (1 + c) / 2 and (1 - c) / 2; c = 0.6.
    values = np.array([0.8, 0.2])
    assert vendi_score(np.array([[1, 0], [0.6, 0.8]])) == pytest.approx(
        np.exp(-(values * np.log(values)).sum())
    )


def test_no_images_is_an_error():
    with pytest.raises(ImageError, match="needs an image"):
        vendi_score(np.ones((0, 3)))


def test_sets_of_one_distribution_lie_within_chance_in_95_of_100_cases():
    random, inside = np.random.default_rng(0), 0
    for seed in range(200):
        real, drawn = random.normal(1, 1, (2, 10, 6))
        low, high = vendi_chance(real, drawn, 60, seed)
        inside += low <= vendi_score(drawn) <= high

    assert 180 <= inside <= 200, "190 +- 3 binomial deviations, and a few for 60 relabellings"


def test_copies_of_few_images_lie_below_chance():
    random = np.random.default_rng(0)
    real, copies = random.normal(size=(20, 6)), random.normal(size=(3, 6))[np.arange(20) % 3]

    assert vendi_score(copies) < vendi_chance(real, copies, 60)[0]
