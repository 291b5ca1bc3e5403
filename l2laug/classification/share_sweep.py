"""Which of several trainings is best, and what one gets by it without making it look better."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np

from l2laug.classification.predictions import Labels
from l2laug.classification.verdict import f1

FOLDS = 5

Name = TypeVar("Name")  # of a kind of training: an arm, or a share of samples


def choose(labels: Labels, rare: int, guesses: Mapping[Name, Labels]) -> Name:
    """The one whose trainings have the highest mean F1 of the rare class; the first of equals."""
    truth = labels == rare
    return max(guesses, key=lambda name: float(f1(truth, guesses[name] == rare).mean()))


def cross_fit(labels: Labels, rare: int, guesses: Mapping[float, Labels], seed: int = 0) -> Labels:
    """What one would have got with the share chosen on other test images.

    The test images are dealt into five folds, class by class. What is said of a fold comes from
    the share that is best on the other four (cross-fitting), so no image has a say in the choice
    that it is scored with, and all of them count.

    Args:
        labels: ``(M,)`` the true classes.
        rare: which is the rare one.
        guesses: for each share ``(seeds, M)``, by the same seeds.
        seed: of the dealing.

    Returns:
        ``(seeds, M)`` guesses.
    """
    result = np.empty_like(next(iter(guesses.values())))
    fold_of = _deal(labels, seed)
    for fold in range(FOLDS):
        inside = fold_of == fold
        others = {share: seen[:, ~inside] for share, seen in guesses.items()}
        result[:, inside] = guesses[choose(labels[~inside], rare, others)][:, inside]
    return result


def _deal(labels: Labels, seed: int) -> Labels:
    random, fold_of = np.random.default_rng(seed), np.empty_like(labels)
    for label in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels == label))
        fold_of[rows] = np.arange(len(rows)) % FOLDS
    return fold_of
