"""Changes of every score: against scikit-learn's scores, the verdict's interval, and chance."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from l2laug.classification.jackknife import pseudovalues
from l2laug.classification.predictions import Labels, measure
from l2laug.classification.verdict import changes

NAMES = ("accuracy", "macro_f1", "rare_recall", "rare_precision", "rare_f1")


def guesses(random: np.random.Generator, labels: Labels, right: float, seeds: int) -> Labels:
    """Classifiers of three classes that are right so often, each on images of its own."""
    wrong = random.integers(3, size=(seeds, len(labels)))
    return np.where(random.random((seeds, len(labels))) < right, labels, wrong)


def test_scores_with_and_without_each_image_are_scikit_learns():
    random = np.random.default_rng(0)
    labels = random.permutation(np.repeat(np.arange(3), 10))
    [guess] = guesses(random, labels, 0.5, 1)
    whole = measure(guess, labels, 3, 1)
    count = len(labels)

    found = pseudovalues(labels, 3, 1, guess[None])
    assert set(found) == set(NAMES)
    for i in range(count):
        rest = np.arange(count) != i
        less = measure(guess[rest], labels[rest], 3, 1)
        for name, (scores, values) in found.items():
            score = getattr(whole, name)
            assert scores == pytest.approx([score])
            assert values[0, i] == pytest.approx(count * score - (count - 1) * getattr(less, name))


def test_of_f1_it_is_the_mean_difference_of_scikit_learns():
    random = np.random.default_rng(1)
    labels = random.integers(3, size=60)
    arms = [guesses(random, labels, p, 4) for p in (0.5, 0.7)]
    f1 = [np.mean([f1_score(labels == 2, guess == 2) for guess in arm]) for arm in arms]

    found = changes(labels, 3, 2, *arms)["rare_f1"]

    assert found.difference == pytest.approx(f1[1] - f1[0])
    assert found.low < found.difference < found.high


def test_the_pseudovalues_of_accuracy_are_what_each_image_says():
    """So its interval is Student's for images alone where all seeds agree."""
    labels = np.array([0, 0, 0, 1, 1, 1])
    without = np.array([[0, 0, 1, 1, 1, 0]] * 2)
    with_samples = np.array([[0, 0, 0, 1, 1, 0]] * 2)
    gaps = np.array([0, 0, 1, 0, 0, 0])

    found = changes(labels, 2, 1, without, with_samples)["accuracy"]

    half = 2.5706 * gaps.std(ddof=1) / 6**0.5  # Student's t of five degrees of freedom
    assert found.difference == pytest.approx(1 / 6)
    assert (found.low, found.high) == pytest.approx((1 / 6 - half, 1 / 6 + half), abs=1e-4)


def test_what_does_not_change_has_no_interval_and_one_seed_says_nothing():
    labels = np.array([0, 1, 0, 1])
    same = np.array([[0, 1, 1, 1]] * 3)
    for change in changes(labels, 2, 1, same, same).values():
        assert (change.difference, change.low, change.high) == (0, 0, 0)
    for change in changes(labels, 2, 1, same[:1], same[:1]).values():
        assert (change.low, change.high) == (-1, 1)


@pytest.mark.parametrize("name", NAMES)
def test_intervals_hold_what_is_true_about_as_often_as_they_say(name: str):
    random, held = np.random.default_rng(2), 0
    for _ in range(200):
        labels = np.repeat(np.arange(3), 30)
        # Both arms alike: all that changes is chance.
        without, with_samples = (guesses(random, labels, 0.6, 5) for _ in range(2))
        change = changes(labels, 3, 0, without, with_samples)[name]
        held += change.low <= 0 <= change.high

    assert 0.92 <= held / 200 <= 1
