"""Nearest neighbours among features: the balls that a set is taken to fill."""

from __future__ import annotations

import numpy as np

from l2laug.core.arrays import Features
from l2laug.core.errors import ImageError
from l2laug.metrics.diversity import pairwise


def radii(features: Features, k: int) -> Features:
    """The distance ``(N,)`` of each of ``(N, D)`` features to its k-th nearest other one.

    Raises:
        ImageError: there are no k others.
    """
    if len(features) <= k:
        raise ImageError(
            f"{len(features)} images have no {k} neighbours each.", "Give more images."
        )
    distances = pairwise(features, features)
    np.fill_diagonal(distances, np.inf)
    found: Features = np.partition(distances, k - 1)[:, k - 1]
    return found
