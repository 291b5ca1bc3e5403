"""How much the images of a set differ from one another, in features."""

from __future__ import annotations

import numpy as np

from l2laug.errors import ImageError
from l2laug.scoring.features import Features


def spread(features: Features) -> float:
    """Mean Euclidean distance over all pairs of ``(N, D)`` features.

    Raises:
        ImageError: fewer than two images.
    """
    if len(features) < 2:
        raise ImageError("A spread needs two images or more.", "Give more images.")
    return float(pairwise(features, features)[np.triu_indices(len(features), 1)].mean())


def pairwise(a: Features, b: Features) -> Features:
    """Euclidean distances ``(N, M)`` between features ``(N, D)`` and ``(M, D)``."""
    squared = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
    distances: Features = np.sqrt(squared.clip(0))
    return distances
