"""Vendi score: how many different images a set amounts to."""

from __future__ import annotations

import numpy as np

from l2laug.core.arrays import Features, directions
from l2laug.core.errors import ImageError

LEVEL = 0.95


def vendi_score(features: Features) -> float:
    """The effective number of different images among ``(N, D)`` features, 1 to N.

    ``exp(-sum l log l)`` over the eigenvalues of ``K / N``, K being the cosines between features
    (Friedman and Dieng 2023, definition 3.1). It grows with N: compare at equal numbers only.

    Raises:
        ImageError: there are no images.
    """
    if not len(features):
        raise ImageError("A Vendi score needs an image.", "Give some images.")
    return _effective_number(_cosines(features))


def vendi_chance(
    real: Features, drawn: Features, relabellings: int, seed: int = 0
) -> tuple[float, float]:
    """Where the score of ``drawn`` lies in 95 % of cases if both sets are of one distribution.

    A permutation test: the scores of random halves of both sets together.

    Args:
        real: ``(N, D)``, of which the first M are taken.
        drawn: ``(M, D)``.
        relabellings: to tell chance from.
        seed: of these.
    """
    count, random = len(drawn), np.random.default_rng(seed)
    cosines = _cosines(np.concatenate([real[:count], drawn]))
    found = []
    for _ in range(relabellings):
        rows = random.permutation(len(cosines))[:count]
        found.append(_effective_number(cosines[np.ix_(rows, rows)]))
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _cosines(features: Features) -> Features:
    unit = directions(features)
    cosines: Features = unit @ unit.T
    return cosines


def _effective_number(cosines: Features) -> float:
    values = np.linalg.eigvalsh(cosines) / len(cosines)
    values = values[values > 0]
    return float(np.exp(-(values * np.log(values)).sum()))
