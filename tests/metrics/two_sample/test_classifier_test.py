"""The classifier two-sample test: chance where sets are alike, certainty where they are not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from l2laug.core.errors import ImageError
from l2laug.metrics.two_sample.classifier_test import DECAY, classifier_test


def normal(count: int, random: np.random.Generator, mean: float = 0.0) -> NDArray[np.float64]:
    return random.standard_normal((count, 30)) * np.linspace(1, 0.1, 30) + mean


def test_sets_of_one_distribution_lie_within_chance_in_95_of_100_cases():
    random = np.random.default_rng(0)
    found = [
        classifier_test(normal(12, random), normal(12, random), relabellings=60, seed=seed)
        for seed in range(200)
    ]

    inside = sum(test.low <= test.accuracy <= test.high for test in found)
    assert 180 <= inside <= 200, "190 +- 3 binomial deviations, and a few for 60 relabellings"
    assert np.mean([test.accuracy for test in found]) == pytest.approx(0.5, abs=0.03)


def test_sets_far_apart_are_told_for_certain():
    random = np.random.default_rng(0)

    test = classifier_test(normal(20, random), normal(20, random, 3), relabellings=50)

    assert test.accuracy == 1
    assert test.high < 0.8


def test_it_decides_as_scikit_learns_logistic_regression_does():
    random = np.random.default_rng(1)
    real, drawn = normal(25, random), normal(25, random, 0.15)
    both = np.concatenate([real, drawn]) - np.concatenate([real, drawn]).mean(0)
    both /= np.sqrt((both**2).sum(1).mean())
    labels, fold, right = np.repeat([0, 1], 25), np.tile(np.arange(25) % 5, 2), 0
    for k in range(5):
        learn, ask = fold != k, fold == k
        model = LogisticRegression(C=1 / (DECAY * learn.sum()), fit_intercept=False, tol=1e-8)
        right += int(
            (model.fit(both[learn], labels[learn]).predict(both[ask]) == labels[ask]).sum()
        )

    assert classifier_test(real, drawn).accuracy == pytest.approx(right / 50)
    assert 0.5 < right / 50 < 1


def test_as_many_of_either_are_taken():
    random = np.random.default_rng(0)
    real, drawn = normal(10, random), normal(80, random)

    assert classifier_test(real, drawn) == classifier_test(real, drawn[:10])


def test_images_that_are_all_alike_are_told_by_nothing():
    assert classifier_test(np.ones((6, 4)), np.ones((6, 4))).accuracy <= 0.5


def test_a_single_image_is_too_few():
    with pytest.raises(ImageError, match="two images or more"):
        classifier_test(np.ones((1, 4)), np.ones((6, 4)))
