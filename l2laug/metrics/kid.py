"""KID, the squared maximum mean discrepancy of two sets of features under a cubic kernel."""

from __future__ import annotations

import numpy as np

from l2laug.core.arrays import Features
from l2laug.core.errors import ImageError


def kernel_distance(real: Features, drawn: Features) -> float:
    """KID between two sets of features ``(N, D)`` and ``(M, D)``; lower is nearer.

    The unbiased estimate (Binkowski et al. 2018, section 4) with the kernel
    ``(x'y / D + 1)^3``. Over draws of one distribution its mean is 0 however few images there are,
    so that single numbers may be negative; what few images cost is diversity, not bias.

    Raises:
        ImageError: a set has fewer than two images.
    """
    if min(len(real), len(drawn)) < 2:
        raise ImageError("KID needs two images or more on either side.", "Give more images.")
    within = _mean_of_pairs(real) + _mean_of_pairs(drawn)
    return float(within - 2 * _kernel(real, drawn).mean())


def _mean_of_pairs(features: Features) -> float:
    values, n = _kernel(features, features), len(features)
    return float((values.sum() - np.trace(values)) / (n * (n - 1)))


def _kernel(a: Features, b: Features) -> Features:
    values: Features = (a @ b.T / a.shape[1] + 1) ** 3
    return values
