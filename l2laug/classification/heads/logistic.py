"""Multinomial logistic regression with weights, for a path of regularisations."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]
SOFTEN = 0.05  # added to each feature's deviation: those that are nearly always 0 stay small
TOLERANCE = 1e-5  # of the gradient; at 1e-3 a fit ends where the one before it on the path did
TOTAL = 1000.0  # what all weights sum to, so that C means the same for any number of views


@dataclass(frozen=True)
class Logistic:
    """A fitted model of ``classes`` in features brought to their scale."""

    model: LogisticRegression
    mean: Floats
    scale: Floats

    def chances(self, x: Floats, classes: int) -> NDArray[np.float64]:
        """Probabilities ``(N, classes)``; 0 for a class that it was not shown."""
        found = np.zeros((len(x), classes))
        found[:, self.model.classes_] = self.model.predict_proba((x - self.mean) / self.scale)
        return found


def fit_path(
    x: Floats, y: Labels, weights: NDArray[np.float64], path: Sequence[float]
) -> Iterator[Logistic]:
    """A model for each C, rising; every one starts where the one before it ended.

    Args:
        x: features ``(N, D)``.
        y: ``(N,)`` of two classes or more.
        weights: ``(N,)``, above 0, of any sum.
        path: values of C, ascending.
    """
    # By weight, so that an image is the same to it whether it counts twice or stands there twice.
    shares = (weights / weights.sum()).astype(np.float32)
    mean = shares @ x
    scale = np.sqrt(shares @ (x - mean) ** 2) + np.float32(SOFTEN)
    z, weights = (x - mean) / scale, weights * (TOTAL / weights.sum())
    start: LogisticRegression | None = None
    for c in path:
        model = LogisticRegression(C=c, max_iter=1000, tol=TOLERANCE, warm_start=True)
        if start is not None:
            model.coef_, model.intercept_ = start.coef_.copy(), start.intercept_.copy()
            model.classes_ = start.classes_
        # Steps are short: threads that wait for one another took six times as long on two cores.
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore", ConvergenceWarning)  # such a C loses in the tuning
            model.fit(z, y, sample_weight=weights)
        start = model
        yield Logistic(model, mean, scale)
