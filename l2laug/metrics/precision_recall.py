"""Precision and recall of a set of images: how much of it is real, how much of the real it has."""

from __future__ import annotations

from l2laug.core.arrays import Features
from l2laug.metrics.diversity import pairwise
from l2laug.metrics.neighbours import radii

NEIGHBOURS = 3  # as in the paper


def precision(real: Features, drawn: Features) -> float:
    """The share of drawn features ``(M, D)`` in the balls of real ones ``(N, D)``, 0 to 1.

    A ball reaches to an image's third neighbour of its own set (Kynkaanniemi et al. 2019,
    equations 1 and 2).

    Raises:
        ImageError: there are three real images or fewer.
    """
    inside = pairwise(drawn, real) <= radii(real, NEIGHBOURS)
    return float(inside.any(1).mean())


def recall(real: Features, drawn: Features) -> float:
    """The share of real features ``(N, D)`` in the balls of drawn ones ``(M, D)``, 0 to 1.

    Raises:
        ImageError: there are three drawn images or fewer.
    """
    return precision(drawn, real)
