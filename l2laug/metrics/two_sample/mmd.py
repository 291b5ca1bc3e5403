"""MMD, the squared maximum mean discrepancy of two sets of features under a Gaussian kernel."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist, pdist

from l2laug.core.arrays import Features, directions
from l2laug.core.errors import ImageError

SCALE = 1000  # as CMMD's, to be read more easily


def gaussian_mmd(real: Features, drawn: Features) -> float:
    """A thousand times the squared MMD of features ``(N, D)`` and ``(M, D)``; lower is nearer.

    CMMD (Jayasumana et al. 2024, equation 4) on other features than CLIP's: of unit norm, with the
    unbiased estimate, whose mean over draws of one distribution is 0, so that single numbers may be
    negative. CMMD's bandwidth of 10 is five times the largest distance there is between vectors of
    unit norm: its kernel is nearly linear there and sees little but the means. Here the bandwidth
    is the median distance between real images (Gretton et al. 2012, section 8), so that a set that
    varies less is seen too.

    Raises:
        ImageError: a set has fewer than two images.
    """
    if min(len(real), len(drawn)) < 2:
        raise ImageError("MMD needs two images or more on either side.", "Give more images.")
    real, drawn = (directions(side) for side in (real, drawn))
    apart = pdist(real, "sqeuclidean")
    scale = -0.5 / (float(np.median(apart)) or 1.0)
    within = np.exp(scale * apart).mean() + np.exp(scale * pdist(drawn, "sqeuclidean")).mean()
    between = np.exp(scale * cdist(real, drawn, "sqeuclidean")).mean()
    return float(SCALE * (within - 2 * between))
