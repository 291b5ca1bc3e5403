"""Density and coverage against their closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from l2laug.core.errors import ImageError
from l2laug.metrics.density_coverage import coverage, density
from l2laug.metrics.precision_recall import precision

LINE = np.arange(10.0)[:, None]


def test_points_by_hand():
    """Fifth neighbours of 0 to 9 are 5, 4, 3, 3, 3, 3, 3, 3, 4, 5 away."""
    at_zero = np.zeros((2, 1))

    # 0 lies in the balls of 0 (to 5), 1 (to 4), 2 (3) and 3 (3): four of them, over k = 5.
    assert density(LINE, at_zero) == pytest.approx(4 / 5)
    assert coverage(LINE, at_zero) == 4 / 10
    assert density(LINE, LINE + 100) == coverage(LINE, LINE + 100) == 0


@pytest.mark.parametrize(("real", "drawn"), [(12, 12), (30, 10)])
def test_of_one_distribution_they_average_what_the_paper_proves(real: int, drawn: int):
    """Naeem et al. 2020, section 3.3: density 1, coverage by counting who comes first."""
    random = np.random.default_rng(0)
    draws = [
        (random.standard_normal((real, 3)), random.standard_normal((drawn, 3))) for _ in range(1500)
    ]
    densities = [density(a, b) for a, b in draws]
    coverages = [coverage(a, b) for a, b in draws]

    missed = np.prod([(real - i) / (real + drawn - i) for i in range(1, 6)])
    assert np.mean(coverages) == pytest.approx(1 - missed, abs=3.5 * np.std(coverages) / 1500**0.5)
    # A ball holds k of the N - 1 others but its edge is one of them: k / N of what is new.
    assert np.mean(densities) == pytest.approx(1, abs=3.5 * np.std(densities) / 1500**0.5)


def test_an_outlier_among_the_real_images_draws_little_of_it():
    """A far real image has a huge ball: all noise is in it, and only density is not taken in."""
    random = np.random.default_rng(1)
    real = np.concatenate([random.standard_normal((50, 2)), [[30.0, 0.0]]])
    noise = random.standard_normal((200, 2)) * 2 + [20, 0]

    assert precision(real, noise) > 0.9
    assert density(real, noise) < 0.3


def test_mode_collapse_covers_one_mode():
    random = np.random.default_rng(2)
    modes = np.array([[0.0, 0.0], [100.0, 0.0]]).repeat(50, axis=0)
    real = modes + random.standard_normal(modes.shape)

    assert coverage(real, real[:50]) == 0.5
    assert coverage(real, real) == 1


def test_neither_order_nor_doubling_the_samples_changes_density():
    random = np.random.default_rng(3)
    real, drawn = random.standard_normal((40, 6)), random.standard_normal((30, 6))

    doubled = np.concatenate([drawn, drawn[::-1]])
    assert density(real[::-1], doubled) == pytest.approx(density(real, drawn))
    assert coverage(real, doubled) == coverage(real[::-1], drawn)


def test_five_real_images_have_no_five_neighbours():
    with pytest.raises(ImageError, match="5 neighbours"):
        density(LINE[:5], LINE)
