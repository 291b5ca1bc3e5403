"""The scores that follow from what a trained classifier said of the test images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    precision_score,
    recall_score,
)

Labels = NDArray[np.int64]
Margins = NDArray[np.float64]


@dataclass(frozen=True)
class Answers:
    """What a trained classifier says of the test images.

    Attributes:
        guesses: ``(M,)`` the class that it sees in each.
        margins: ``(M,)`` how much more than any other class it sees the rare one: the logarithm of
            its chance over that of the likeliest other.
    """

    guesses: Labels
    margins: Margins

    @classmethod
    def of(cls, logits: Margins, rare: int) -> Answers:
        """From logarithms of chances ``(M, K)``, up to a constant for each image."""
        others = np.delete(logits, rare, axis=1).max(1)
        return cls(logits.argmax(1).astype(np.int64), logits[:, rare] - others)


@dataclass(frozen=True)
class Outcome:
    """What one trained classifier scored on the test images; each from 0 to 1.

    Attributes:
        macro_f1: mean F1 over :func:`tested_classes`.
        confusion: rows are true classes, columns what was seen in them; counts.
    """

    accuracy: float
    macro_f1: float
    rare_recall: float
    rare_precision: float
    rare_f1: float
    confusion: list[list[int]]


def measure(guesses: Labels, labels: Labels, classes: int, rare: int) -> Outcome:
    """Score one training.

    Args:
        guesses: ``(M,)`` the class that it sees in each test image.
        labels: ``(M,)`` the true classes.
        classes: how many there are.
        rare: which is the rare one.
    """
    truth = labels == rare
    matrix = confusion_matrix(labels, guesses, labels=np.arange(classes))
    return Outcome(
        accuracy=float(accuracy_score(labels, guesses)),
        macro_f1=float(
            f1_score(
                labels, guesses, labels=tested_classes(labels), average="macro", zero_division=0
            )
        ),
        rare_recall=float(recall_score(truth, guesses == rare, zero_division=0)),
        rare_precision=float(precision_score(truth, guesses == rare, zero_division=0)),
        rare_f1=float(f1_score(truth, guesses == rare, zero_division=0)),
        confusion=[[int(n) for n in row] for row in matrix],
    )


def tested_classes(labels: Labels) -> Labels:
    """The classes that the macro F1 is the mean over: those of which there are test images.

    They are the same whatever a classifier says, so that two classifiers compare. A class that is
    only guessed counts against those whose images were taken for it, not as an F1 of 0 of its own.
    """
    return np.unique(labels)


def condense(
    matrix: NDArray[np.float64], classes: Sequence[str], rare: str, most: int
) -> tuple[list[str], NDArray[np.float64]]:
    """A confusion matrix with those classes as one that are least mixed up with the rare one.

    Args:
        matrix: ``(K, K)``, rows are true classes.
        classes: the K names.
        rare: the name of the rare class, which comes first if any are left out.
        most: rows of the result, at least 2.

    Returns:
        The names, the last of them ``N others`` if any are left out, and the matrix of them.
    """
    if len(classes) <= most:
        return list(classes), matrix
    label = list(classes).index(rare)
    mixed = matrix[label] + matrix[:, label]
    mixed[label] = np.inf
    order = np.argsort(-mixed, kind="stable")
    kept, others = order[: most - 1], order[most - 1 :]
    member = np.zeros((len(classes), most))
    member[kept, np.arange(most - 1)] = 1
    member[others, most - 1] = 1
    return [classes[i] for i in kept] + [f"{len(others)} others"], member.T @ matrix @ member
