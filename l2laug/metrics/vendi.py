"""Vendi score: how many different images a set amounts to."""

from __future__ import annotations

import numpy as np

from l2laug.core.arrays import Features
from l2laug.core.errors import ImageError


def vendi_score(features: Features) -> float:
    """The effective number of different images among ``(N, D)`` features, 1 to N.

    ``exp(-sum l log l)`` over the eigenvalues of ``K / N``, K being the cosines between features
    (Friedman and Dieng 2023, definition 3.1). It grows with N: compare at equal numbers only.

    Raises:
        ImageError: there are no images.
    """
    if not len(features):
        raise ImageError("A Vendi score needs an image.", "Give some images.")
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    values = np.linalg.svd(unit, compute_uv=False) ** 2 / len(features)
    values = values[values > 0]
    return float(np.exp(-(values * np.log(values)).sum()))
