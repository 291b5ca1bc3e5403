"""FID, the Frechet distance between Gaussians fitted to two sets of features."""

from __future__ import annotations

import numpy as np

from l2laug.core.arrays import Features
from l2laug.core.errors import ImageError


def frechet_distance(real: Features, drawn: Features) -> float:
    """FID between two sets of features ``(N, D)`` and ``(M, D)``; lower is nearer.

    ``|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))`` (Heusel et al. 2017, equation 6). With fewer
    images than features it is dominated by bias: compare at equal counts only, and to the baseline.

    Raises:
        ImageError: a set has fewer than two images.
    """
    if min(len(real), len(drawn)) < 2:
        raise ImageError("FID needs two images or more on either side.", "Give more images.")
    gap = real.mean(0) - drawn.mean(0)
    a, b = _root(real), _root(drawn)
    # With C1 = A'A and C2 = B'B the roots of C1 C2's eigenvalues are the singular values of A B':
    # no covariance is formed, and nothing is lost to the square root of a rounding error.
    cross = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    return float(gap @ gap + (a**2).sum() + (b**2).sum() - 2 * cross)


def _root(features: Features) -> Features:
    """Some R with R'R the covariance of features ``(N, D)``, of no more than N or D rows."""
    centred = (features - features.mean(0)) / np.sqrt(len(features) - 1)
    # Not scipy's: its mode "r" keeps all N rows, most of them 0.
    return np.asarray(np.linalg.qr(centred, mode="r"), np.float64)
