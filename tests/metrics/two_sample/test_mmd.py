"""MMD with a Gaussian kernel: by hand, and its laws."""

from __future__ import annotations

import numpy as np
import pytest

from l2laug.core.errors import ImageError
from l2laug.metrics.two_sample.mmd import gaussian_mmd


def test_by_hand():
    # Squared distances: 2 within the real ones (the bandwidth's square), 0 within the drawn ones,
    # and 2 between the first real image and these, 0 between the second one and these.
    real, drawn = np.array([[3.0, 0], [0, 2]]), np.array([[0.0, 1], [0, 5]])

    within, between = np.exp(-0.5) + 1, (np.exp(-0.5) + 1) / 2
    assert gaussian_mmd(real, drawn) == pytest.approx(1000 * (within - 2 * between))


def test_over_sets_of_one_distribution_it_is_0_in_the_mean():
    random = np.random.default_rng(0)
    values = [
        gaussian_mmd(random.normal(1, 1, (8, 6)), random.normal(1, 1, (5, 6))) for _ in range(800)
    ]

    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(800)
    assert min(values) < 0, "an unbiased estimate of 0 has to be negative at times"


def test_a_set_that_varies_less_about_the_same_mean_is_seen():
    random = np.random.default_rng(0)

    def mmd(deviation: float) -> float:
        mean = np.array([5, 0, 0, 0, 0])
        return gaussian_mmd(
            random.normal(mean, 1, (60, 5)), random.normal(mean, deviation, (60, 5))
        )

    assert mmd(0.2) > 10 * abs(mmd(1))


def test_length_of_features_does_not_matter():
    random = np.random.default_rng(0)
    real, drawn = random.normal(1, 1, (9, 4)), random.normal(1, 1, (7, 4))

    assert gaussian_mmd(real * 3, drawn * 0.1) == pytest.approx(gaussian_mmd(real, drawn))


def test_a_single_image_is_too_few():
    with pytest.raises(ImageError, match="two images or more"):
        gaussian_mmd(np.ones((1, 4)), np.ones((6, 4)))
