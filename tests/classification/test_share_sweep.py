"""Choosing a share on other images than those it is scored with."""

from __future__ import annotations

import numpy as np

from l2laug.classification.share_sweep import choose, cross_fit
from l2laug.classification.verdict import f1

LABELS = np.arange(200) % 4  # fifty images of the rare class 0


def test_the_share_that_is_best_everywhere_is_taken_everywhere():
    wrong = (LABELS + 1) % 4
    guesses = {0.25: np.stack([wrong, wrong]), 0.5: np.stack([LABELS, LABELS])}

    assert choose(LABELS, 0, guesses) == 0.5
    assert (cross_fit(LABELS, 0, guesses) == LABELS).all()


def test_among_shares_that_are_all_mere_chance_none_looks_better_than_that():
    """Guessing one in four at random has an F1 of about 1/4; the best of 30 seems to have more."""
    best, fair = [], []
    for seed in range(20):
        random = np.random.default_rng(seed)
        guesses = {i / 30: random.integers(0, 4, (1, len(LABELS))) for i in range(30)}
        chosen = guesses[choose(LABELS, 0, guesses)]
        best.append(f1(LABELS == 0, chosen == 0)[0])
        fair.append(f1(LABELS == 0, cross_fit(LABELS, 0, guesses, seed) == 0)[0])

    assert np.mean(best) > 0.32
    assert np.mean(fair) < 0.28


def test_each_guess_is_one_of_the_shares_for_the_same_seed_and_image():
    random = np.random.default_rng(0)
    guesses = {share: random.integers(0, 4, (3, len(LABELS))) for share in (0.25, 0.5, 0.75)}

    fitted = cross_fit(LABELS, 0, guesses)

    assert np.any([fitted == g for g in guesses.values()], axis=0).all()


def test_classes_with_fewer_images_than_folds_are_no_trouble():
    labels = np.array([0, 0, 1, 1, 1])
    guesses = {0.5: np.stack([labels, labels])}

    assert (cross_fit(labels, 0, guesses) == labels).all()
    one_of_each = np.array([0, 1, 2])
    assert (cross_fit(one_of_each, 0, {0.5: one_of_each[None]}) == one_of_each).all()
