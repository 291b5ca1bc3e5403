"""A classifier two-sample test: can a logistic regression tell two sets of features apart?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from l2laug.core.arrays import Features
from l2laug.core.errors import ImageError

FOLDS = 5
DECAY = 0.1  # of weights; features are scaled to a mean square norm of 1
ITERATIONS = 30  # from 15 on no decision changes
LEVEL = 0.95


@dataclass(frozen=True)
class TwoSampleTest:
    """What a classifier two-sample test found.

    Attributes:
        accuracy: of cross-validation, 0 to 1.
        low, high: where it lies in 95 % of cases if the sets are of one distribution; both the
            accuracy itself where no relabelling was asked for.
    """

    accuracy: float
    low: float
    high: float


def classifier_test(
    real: Features, drawn: Features, relabellings: int = 0, seed: int = 0
) -> TwoSampleTest:
    """Cross-validated accuracy of a logistic regression between two sets of features ``(N, D)``.

    The classifier two-sample test of Lopez-Paz and Oquab (2017), by fivefold cross-validation: 0.5
    where the sets are of one distribution, 1 where each image gives itself away. Of the larger set
    the first N are taken, so that both have as many. Decisions of cross-validation hang together,
    so that a binomial interval would be too narrow: chance is told by relabelling, images of a pair
    swapped at random.

    Args:
        real: ``(N, D)``, in random order.
        drawn: ``(M, D)``, likewise.
        relabellings: to tell chance from; at 200 the ends of its interval vary by a fifth.
        seed: of these.

    Raises:
        ImageError: a set has fewer than two images.
    """
    count = min(len(real), len(drawn))
    if count < 2:
        raise ImageError("A two-sample test needs two images or more of either.", "Give more.")
    both = np.concatenate([real[:count], drawn[:count]]).astype(np.float64)
    both -= both.mean(0)
    both /= np.sqrt((both**2).sum(1).mean()) or 1.0
    # A ridge-penalised fit depends on the inner products alone: 2 N dimensions do for D.
    values, vectors = np.linalg.eigh(both @ both.T)
    points = vectors * np.sqrt(np.maximum(values, 0))
    swaps = np.random.default_rng(seed).integers(0, 2, (relabellings, count)) * 2 - 1
    signs = np.concatenate([np.ones((1, count), np.int64), swaps])
    labels = np.concatenate([signs, -signs], 1).astype(np.float64)
    accuracies = _cross_validated(points, labels)
    if not relabellings:
        return TwoSampleTest(*[float(accuracies[0])] * 3)
    low, high = np.quantile(accuracies[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return TwoSampleTest(float(accuracies[0]), float(low), float(high))


def _cross_validated(points: Features, labels: Features) -> NDArray[np.float64]:
    """Accuracies ``(B,)`` for labels ``(B, 2 N)`` of -1 and 1; both of a pair are in one fold."""
    count = len(points) // 2
    fold = np.tile(np.arange(count) % FOLDS, 2)
    right = np.zeros(len(labels))
    for test in (fold == number for number in range(min(FOLDS, count))):
        weights = _fit(points[~test], labels[:, ~test])
        right += (weights @ points[test].T * labels[:, test] > 0).sum(1)
    return right / len(points)


def _fit(points: Features, labels: Features) -> Features:
    """Weights ``(B, D)`` of penalised logistic regressions of ``(B, N)`` labels on ``(N, D)``.

    By the fixed bound of the Hessian (Boehning and Lindsay 1988): one inverse serves all.
    """
    count, size = points.shape
    inverse = np.linalg.inv(points.T @ points / (4 * count) + DECAY * np.eye(size))
    weights = np.zeros((len(labels), size))
    for _ in range(ITERATIONS):
        doubt = labels / (1 + np.exp(labels * (weights @ points.T)))
        weights += (doubt @ points / count - DECAY * weights) @ inverse
    return weights
