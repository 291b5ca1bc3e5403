"""The best decision threshold of a classifier, set without the images that it is tested on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from l2laug.classification.predictions import Margins

FOLDS = 5

Seen = NDArray[np.bool_]


def seen_at_best(truth: Seen, margins: Margins, seed: int = 0) -> Seen:
    """In which images each classifier sees the class at a well-set threshold, ``(seeds, M)``.

    The test images are split into five folds, stratified. The threshold of a fold is the one of
    highest F1 on the other four (cross-fitting), so that no image has a say in how it is judged.

    Args:
        truth: ``(M,)`` which images are of the class.
        margins: ``(seeds, M)``, see :class:`Answers`.
        seed: of the split.
    """
    random, folds = np.random.default_rng(seed), np.empty(len(truth), np.int64)
    for side in (truth, ~truth):
        folds[side] = random.permutation(np.arange(side.sum()) % FOLDS)
    seen = np.empty(margins.shape, dtype=np.bool_)
    for row, margin in zip(seen, margins, strict=True):
        for fold in range(FOLDS):
            inside = folds == fold
            row[inside] = margin[inside] >= best_threshold(truth[~inside], margin[~inside])
    return seen


def best_threshold(truth: Seen, margins: Margins) -> float:
    """The threshold of highest F1, half way to the next margin below; infinite without the class.

    Args:
        truth: ``(M,)``.
        margins: ``(M,)``; what is not below the threshold is said to be of the class.
    """
    if not truth.any():
        return float("inf")
    order = np.argsort(-margins, kind="stable")
    ordered = margins[order]
    found = np.cumsum(truth[order])
    scores = 2 * found / (np.arange(1, len(order) + 1) + truth.sum())
    # Equal margins stand or fall together.
    last = np.append(ordered[1:] < ordered[:-1], True)
    best = int(np.where(last, scores, -1.0).argmax())
    return float(ordered[best] + ordered[min(best + 1, len(order) - 1)]) / 2
