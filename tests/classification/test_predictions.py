"""Scores of a trained classifier, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from l2laug.classification.jackknife import pseudovalues
from l2laug.classification.predictions import condense, measure


def test_scores_of_six_images_by_hand():
    labels = np.array([0, 0, 0, 1, 1, 2])
    guesses = np.array([0, 0, 1, 1, 0, 1])

    outcome = measure(guesses, labels, classes=4, rare=1)

    assert outcome.accuracy == 3 / 6
    # Class 1 is found once of two times, and seen three times.
    assert outcome.rare_recall == 1 / 2
    assert outcome.rare_precision == pytest.approx(1 / 3)
    assert outcome.rare_f1 == pytest.approx(2 / 5)
    # F1 of class 0 is 2 * 2 / (3 + 3), of class 2 it is 0; class 3 is nowhere.
    assert outcome.macro_f1 == pytest.approx((2 / 3 + 2 / 5 + 0) / 3)
    assert outcome.confusion == [[2, 1, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]


def test_the_macro_f1_is_over_the_classes_that_have_test_images():
    labels, guesses = np.array([0, 0, 1, 1]), np.array([0, 3, 1, 1])

    outcome = measure(guesses, labels, classes=4, rare=1)
    scores, values = pseudovalues(labels, 4, 1, guesses[None])["macro_f1"]

    # F1 of class 0 is 2 * 1 / (2 + 1), of class 1 it is 1; 2 and 3 have no images.
    assert outcome.macro_f1 == pytest.approx(5 / 6)
    assert scores == pytest.approx(5 / 6)
    # Without the second image both are 1: 4 * 5/6 - 3 * 1. Without the first class 0 has none
    # right: 4 * 5/6 - 3 * 1/2. The others change nothing but how many of class 1 there are.
    assert values[0] == pytest.approx([11 / 6, 1 / 3, 5 / 6, 5 / 6])


def test_a_class_that_is_never_seen_scores_0():
    outcome = measure(np.zeros(5, int), np.array([0, 0, 0, 0, 1]), 2, 1)

    assert outcome.accuracy == 0.8
    assert outcome.macro_f1 == pytest.approx(4 / 9)  # F1 of the other is 2 * 0.8 / 1.8
    assert (outcome.rare_recall, outcome.rare_precision, outcome.rare_f1) == (0, 0, 0)


def test_classes_least_mixed_up_with_the_rare_one_are_put_together():
    matrix = np.array([[5, 0, 0, 1], [0, 6, 2, 0], [0, 4, 3, 1], [0, 0, 0, 9]], float)

    names, small = condense(matrix, ["a", "b", "rare", "d"], "rare", 3)
    # b is mixed up six times with the rare class, d once, a never.
    assert names == ["rare", "b", "2 others"]
    assert small.tolist() == [[3, 4, 1], [2, 6, 0], [0, 0, 15]]

    names, small = condense(matrix, ["a", "b", "rare", "d"], "rare", 4)
    assert names == ["a", "b", "rare", "d"]
    assert small is matrix
