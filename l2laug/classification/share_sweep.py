"""Which of several trainings is best, and what one gets by it without making it look better."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TypeVar

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold

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

    The test images are split into five folds, stratified by class. What is said of a fold comes
    from the share that is best on the other four (cross-fitting), so no image has a say in the
    choice that it is scored with, and all of them count.

    Args:
        labels: ``(M,)`` the true classes.
        rare: which is the rare one.
        guesses: for each share ``(seeds, M)``, by the same seeds.
        seed: of the split.

    Returns:
        ``(seeds, M)`` guesses.
    """
    result = np.empty_like(next(iter(guesses.values())))
    folds = min(FOLDS, int(np.bincount(labels).max()))
    split = StratifiedKFold(folds, shuffle=True, random_state=seed) if folds > 1 else KFold(2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes with fewer images than folds: that is allowed
        for outside, inside in split.split(labels, labels):
            others = {share: seen[:, outside] for share, seen in guesses.items()}
            result[:, inside] = guesses[choose(labels[outside], rare, others)][:, inside]
    return result
