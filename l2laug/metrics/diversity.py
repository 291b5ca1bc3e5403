"""How much the images of a set differ from one another, in features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from l2laug.core.arrays import Features
from l2laug.core.errors import ImageError


def diversity(features: Features) -> float:
    """Mean Euclidean distance over all pairs of ``(N, D)`` features.

    Raises:
        ImageError: fewer than two images.
    """
    if len(features) < 2:
        raise ImageError("A diversity needs two images or more.", "Give more images.")
    return float(pairwise(features, features)[np.triu_indices(len(features), 1)].mean())


def mean_diversity(features: Features, labels: NDArray[np.int64]) -> float:
    """Mean over classes of the diversity of each, those of a single image left out."""
    groups = [features[labels == c] for c in np.unique(labels)]
    return float(np.mean([diversity(g) for g in groups if len(g) > 1]))


def pairwise(a: Features, b: Features) -> Features:
    """Euclidean distances ``(N, M)`` between features ``(N, D)`` and ``(M, D)``."""
    # Not by |a|^2 + |b|^2 - 2ab: that leaves equal images a rounding error apart, and ties between
    # a distance and a radius fall either way.
    distances: Features = cdist(a, b)
    return distances
