"""Density and coverage of a set of images, which single odd images can't move far."""

from __future__ import annotations

from l2laug.core.arrays import Features
from l2laug.metrics.diversity import pairwise
from l2laug.metrics.neighbours import radii

NEIGHBOURS = 5  # as in the paper


def density(real: Features, drawn: Features) -> float:
    """In how many balls of real features ``(N, D)`` a drawn one of ``(M, D)`` lies, over k.

    1 on average for two sets of one distribution, more where drawn images crowd where real ones
    are densest (Naeem et al. 2020, equation 3). A ball reaches to a real image's fifth neighbour.

    Raises:
        ImageError: there are five real images or fewer.
    """
    inside = pairwise(drawn, real) <= radii(real, NEIGHBOURS)
    return float(inside.sum(1).mean() / NEIGHBOURS)


def coverage(real: Features, drawn: Features) -> float:
    """The share of real features ``(N, D)`` with a drawn one of ``(M, D)`` in their ball, 0 to 1.

    Naeem et al. 2020, equation 4.

    Raises:
        ImageError: there are five real images or fewer.
    """
    inside = pairwise(drawn, real) <= radii(real, NEIGHBOURS)
    return float(inside.any(0).mean())
