"""What each test image says of a classifier's scores: their jackknife pseudovalues."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from l2laug.classification.predictions import Labels, tested_classes

Floats = NDArray[np.float64]


def pseudovalues(
    labels: Labels, classes: int, rare: int, guesses: Labels
) -> dict[str, tuple[Floats, Floats]]:
    """Each score by its name, ``(seeds,)``, and its pseudovalues ``(seeds, M)``.

    Args:
        labels: ``(M,)`` the true classes.
        classes: how many there are.
        rare: which is the rare one.
        guesses: ``(seeds, M)`` what each classifier saw.
    """
    found: dict[str, tuple[list[float], list[Floats]]] = {}
    for guess in guesses:
        whole = _scores(labels, classes, rare, guess)
        for name, left_out in _left_one_out(labels, classes, rare, guess).items():
            scores, values = found.setdefault(name, ([], []))
            scores.append(whole[name])
            values.append(len(labels) * whole[name] - (len(labels) - 1) * left_out)
    return {name: (np.array(scores), np.stack(v)) for name, (scores, v) in found.items()}


def ranking_pseudovalues(truth: NDArray[np.bool_], margins: Floats) -> tuple[Floats, Floats]:
    """The area under the ROC curve, ``(seeds,)``, and its pseudovalues ``(seeds, M)``.

    It is the share of pairs of an image of the class and another one in which the first has the
    larger margin, ties counting half: whatever the threshold, so that a classifier that only says
    the class more often gains nothing.

    Args:
        truth: ``(M,)`` which images are of the class, two or more of either side.
        margins: ``(seeds, M)``.
    """
    scores, values = np.empty(len(margins)), np.empty(margins.shape)
    mine, others = int(truth.sum()), int((~truth).sum())
    for i, margin in enumerate(margins):
        gaps = margin[truth][:, None] - margin[~truth][None]
        won = (gaps > 0) + 0.5 * (gaps == 0)
        whole = won.mean()
        left_out = np.empty(len(truth))
        left_out[truth] = (mine * whole - won.mean(1)) / max(mine - 1, 1)
        left_out[~truth] = (others * whole - won.mean(0)) / max(others - 1, 1)
        scores[i] = whole
        values[i] = len(truth) * whole - (len(truth) - 1) * left_out
    return scores, values


def _scores(labels: Labels, classes: int, rare: int, guess: Labels) -> dict[str, float]:
    right, true, seen = _counts(labels, classes, guess)
    f1 = ratio(2 * right, true + seen)
    return {
        "accuracy": float((labels == guess).mean()),
        "macro_f1": float(f1[tested_classes(labels)].mean()),
        "rare_recall": float(ratio(right, true)[rare]),
        "rare_precision": float(ratio(right, seen)[rare]),
        "rare_f1": float(f1[rare]),
    }


def _left_one_out(labels: Labels, classes: int, rare: int, guess: Labels) -> dict[str, Floats]:
    """The scores without each of the test images in turn, ``(M,)``."""
    right, true, seen = _counts(labels, classes, guess)
    hit = (labels == guess).astype(np.float64)
    f1 = ratio(2 * right, true + seen)
    tested = tested_classes(labels)
    # Only the F1 of its own class and of the one that was seen in it depend on an image; the
    # second counts if it is one of those that the mean is over.
    own = ratio(2 * (right[labels] - hit), true[labels] + seen[labels] - 1 - hit) - f1[labels]
    other = ratio(2 * right[guess], true[guess] + seen[guess] - 1) - f1[guess]
    other = np.where((hit == 0) & np.isin(guess, tested), other, 0.0)
    is_rare, as_rare = labels == rare, guess == rare
    found, there, said = (
        right[rare] - hit * is_rare,
        true[rare] - is_rare,
        seen[rare] - as_rare,
    )
    return {
        "accuracy": (hit.sum() - hit) / max(len(labels) - 1, 1),
        "macro_f1": (f1[tested].sum() + own + other) / len(tested),
        "rare_recall": ratio(found, there),
        "rare_precision": ratio(found, said),
        "rare_f1": ratio(2 * found, there + said),
    }


def _counts(labels: Labels, classes: int, guess: Labels) -> tuple[Floats, Floats, Floats]:
    """Of each class, how many were seen rightly, are there, and were seen; ``(K,)`` each."""
    sets = (labels[labels == guess], labels, guess)
    right, true, seen = (np.bincount(s, minlength=classes).astype(np.float64) for s in sets)
    return right, true, seen


def ratio(above: Floats, below: Floats) -> Floats:
    """The quotient, 0 where nothing is below."""
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)
