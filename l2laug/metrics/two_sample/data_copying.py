"""C_T, a test of data-copying: do samples lie nearer to training images than new images do?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2
from scipy.stats import rankdata

from l2laug.core.arrays import Features
from l2laug.core.errors import ImageError
from l2laug.metrics.diversity import pairwise

A_CELL = 50  # training images
LEAST = 20  # images of either other set in a cell that counts, where there are several


def data_copying(train: Features, test: Features, drawn: Features, seed: int = 0) -> float:
    """C_T of Meehan et al. (2020, section 4): below 0 samples copy, above 0 they underfit.

    The distances to the nearest training image of samples and of new real images are compared by
    the z-scored Mann-Whitney statistic, in each cell that k-means makes of the training images, and
    averaged over the cells as the new real images fill them. With few training images there is one
    cell, and C_T of new real images in place of samples is a standard normal number: in 95 of 100
    cases within -1.96 and 1.96. It grows with the root of the set sizes.

    Args:
        train: ``(T, D)`` features that the generator learned from.
        test: ``(N, D)`` of real images that it has not seen.
        drawn: ``(M, D)`` of samples.
        seed: of k-means.

    Raises:
        ImageError: a set is empty.
    """
    if not min(map(len, (train, test, drawn))):
        raise ImageError("C_T needs training, test and drawn images.", "Give some of each.")
    nearest = [pairwise(side, train).min(1) for side in (test, drawn)]
    cells = max(1, len(train) // A_CELL)
    if cells == 1:
        return _z_score(*nearest)
    centres, _ = kmeans2(train, cells, minit="++", seed=np.random.default_rng(seed))
    homes = [pairwise(side, centres).argmin(1) for side in (test, drawn)]
    scores, weights = list[float](), list[int]()
    for cell in range(cells):
        held, mine = (d[home == cell] for d, home in zip(nearest, homes, strict=True))
        if min(len(held), len(mine)) >= LEAST:
            scores.append(_z_score(held, mine))
            weights.append(len(held))
    return float(np.average(scores, weights=weights)) if scores else _z_score(*nearest)


def _z_score(held: NDArray[np.float64], mine: NDArray[np.float64]) -> float:
    """The Mann-Whitney statistic of ``mine`` over ``held``, as a standard normal number."""
    n, m = len(held), len(mine)
    ranks = rankdata(np.concatenate([mine, held]))
    larger = ranks[:m].sum() - m * (m + 1) / 2
    _, ties = np.unique(ranks, return_counts=True)
    tied = float((ties**3 - ties).sum()) / ((n + m) * (n + m - 1))
    variance = n * m / 12 * (n + m + 1 - tied)
    return float((larger - n * m / 2) / np.sqrt(variance)) if variance > 0 else 0.0
