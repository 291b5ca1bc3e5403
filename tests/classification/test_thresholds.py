"""Thresholds by hand, and that nothing is gained by setting them where nothing is to be told."""

from __future__ import annotations

import numpy as np
import pytest

from l2laug.classification.thresholds import best_threshold, seen_at_best
from l2laug.classification.verdict import f1


def test_the_best_threshold_by_hand():
    truth = np.array([True, False, True, False, False])
    margins = np.array([3.0, 2.0, 1.0, 0.0, -1.0])

    # F1 down to 3 is 2/3, down to 2 it is 1/2, down to 1 it is 4/5, then 2/3 and 4/7.
    assert best_threshold(truth, margins) == 0.5
    assert best_threshold(truth[:2], margins[:2]) == 2.5
    assert best_threshold(~truth & False, margins) == np.inf


def test_equal_margins_stand_or_fall_together():
    truth, margins = np.array([True, False, False, True]), np.array([1.0, 1.0, 1.0, 0.0])

    assert best_threshold(truth, margins) == 0.0


def test_how_often_a_classifier_says_the_class_does_not_count():
    random = np.random.default_rng(0)
    truth = np.arange(200) < 50
    margins = random.normal(0, 1, (3, 200)) + 2 * truth

    seldom, often = (seen_at_best(truth, margins + shift) for shift in (-5.0, 5.0))

    assert (seldom == often).all()
    assert f1(truth, seldom).mean() > 0.6


def test_no_image_has_a_say_in_how_it_is_judged():
    """Of margins that say nothing the best threshold is no better than to say the class always."""
    truth, scores = np.arange(40) < 10, []
    for seed in range(40):
        margins = np.random.default_rng(seed).normal(size=(1, 40))
        scores.append(float(f1(truth, seen_at_best(truth, margins, seed))[0]))

    assert np.mean(scores) == pytest.approx(2 * 10 / (40 + 10), abs=0.06)
    assert np.mean(scores) < 2 * 10 / (40 + 10) + 0.02
