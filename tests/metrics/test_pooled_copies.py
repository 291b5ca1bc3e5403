"""Copies over many classes: a hundredth of real images, however few there are of each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from l2laug.metrics.pooled_copies import pooled_copy_share

Draw = Callable[[np.random.Generator, int], np.ndarray]


def log_normal(random: np.random.Generator, count: int) -> np.ndarray:
    return np.exp(0.3 * random.standard_normal(count))


def exponential(random: np.random.Generator, count: int) -> np.ndarray:
    return random.exponential(size=count)


def real_share(draw: Draw, classes: int, images: int, rounds: int) -> tuple[float, float]:
    """The mean share of new real images over simulations, and its standard error."""
    random, found = np.random.default_rng(0), []
    for _ in range(rounds):
        scales = random.uniform(0.1, 10, classes)  # a class may be wider than another
        known = [scale * draw(random, images) for scale in scales]
        new = [scale * draw(random, 20) for scale in scales]
        found.append(pooled_copy_share(known, new))
    return float(np.mean(found)), float(np.std(found, ddof=1) / np.sqrt(rounds))


@pytest.mark.parametrize(
    ("draw", "classes", "images", "rounds"),
    [
        (log_normal, 8, 2, 2000),
        (log_normal, 8, 4, 2000),
        (log_normal, 100, 7, 40),
        (exponential, 100, 7, 40),
        (exponential, 60, 2, 100),
    ],
)
def test_of_real_images_one_in_a_hundred_is_expected(
    draw: Draw, classes: int, images: int, rounds: int
):
    """With 100 real images whatever the distribution, with fewer for the one supposed."""
    mean, error = real_share(draw, classes, images, rounds)

    assert error < 0.0015
    assert mean == pytest.approx(0.01, abs=3 * error)


def test_with_few_images_of_another_distribution_it_is_within_what_is_said():
    mean, _ = real_share(exponential, 8, 4, 400)

    assert 0.01 < mean < 0.03


@pytest.mark.parametrize(("classes", "images"), [(8, 2), (100, 7)])
def test_half_copies_read_as_half(classes: int, images: int):
    random = np.random.default_rng(1)
    real = [log_normal(random, images) for _ in range(classes)]
    drawn = [np.array([0.0, 1e-6, 1.0, 1.1]) for _ in range(classes)]

    assert pooled_copy_share(real, drawn) == pytest.approx(0.5, abs=1e-9)


def test_the_limit_is_the_prediction_limit_of_a_pooled_log_normal_distance():
    """By hand: logarithms -1, 1 and 9, 11: a variance of 4 / 2; Student's t of 1 % is -6.965."""
    real = [np.exp([-1.0, 1.0]), np.exp([9.0, 11.0])]
    limit = -6.965 * 2**0.5 * 1.5**0.5

    under, over = ([np.exp([limit + gap]), np.exp([10 + limit + gap])] for gap in (-0.02, 0.02))
    assert pooled_copy_share(real, under) == 1
    assert pooled_copy_share(real, over) == 0


def test_support_images_among_the_real_ones_do_not_count():
    real = [np.array([0.0, 0.9, 1.1]), np.array([1.0, 1.2, 0.0])]

    assert pooled_copy_share(real, [np.zeros(3)] * 2) == 1


@pytest.mark.parametrize("real", [[[]], [[1.0], [2.0]], [[1.0, 2.0]]])
def test_too_few_real_images_give_no_share(real: list[list[float]]):
    known = [np.array(d) for d in real]

    assert pooled_copy_share(known, [np.ones(3)] * len(known)) is None


def test_classes_without_drawn_images_give_no_share():
    real = [np.array([0.9, 1.0, 1.1]), np.array([])]

    assert pooled_copy_share(real, [np.array([]), np.ones(2)]) is None
