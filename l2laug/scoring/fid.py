"""FID, the Frechet distance between Gaussians fitted to two sets of features."""

from __future__ import annotations

import numpy as np
import scipy.linalg

from l2laug.errors import ImageError
from l2laug.scoring.features import Features


def frechet_distance(real: Features, drawn: Features) -> float:
    """FID between two sets of features ``(N, D)`` and ``(M, D)``; lower is nearer.

    ``|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))`` (Heusel et al. 2017, equation 6). With fewer
    images than features it is dominated by bias: compare at equal counts only, and to the floor.

    Raises:
        ImageError: a set has fewer than two images.
    """
    if min(len(real), len(drawn)) < 2:
        raise ImageError("FID needs two images or more on either side.", "Give more images.")
    gap = real.mean(0) - drawn.mean(0)
    c1, c2 = np.cov(real, rowvar=False), np.cov(drawn, rowvar=False)
    # tr((C1 C2)^(1/2)) is the sum of the roots of C1 C2's eigenvalues, which are those of the
    # symmetric C1^(1/2) C2 C1^(1/2) and so real and not negative but for rounding.
    values, vectors = np.linalg.eigh(np.atleast_2d(c1))
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    cross = scipy.linalg.eigvalsh(root @ np.atleast_2d(c2) @ root)
    traces = np.trace(np.atleast_2d(c1)) + np.trace(np.atleast_2d(c2))
    return float(gap @ gap + traces - 2 * np.sqrt(cross.clip(0)).sum())
