"""How much the images of a set differ from one another, in features."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist

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
    # Not by |a|^2 + |b|^2 - 2ab: that leaves equal images a rounding error apart, and ties between
    # a distance and a radius fall either way.
    distances: Features = cdist(a, b)
    return distances
