"""Inception Score: how sure a classifier is of each image, and how many classes it sees in all."""

from __future__ import annotations

import numpy as np
from scipy.special import rel_entr

from l2laug.core.arrays import Features
from l2laug.core.errors import ImageError


def inception_score(probabilities: Features) -> float:
    """``exp(mean KL(p(y|x) || p(y)))`` of class probabilities ``(N, K)``, from 1 to min(N, K).

    Salimans et al. 2016, section 4; over all images at once, not as the mean of ten parts. It knows
    nothing of real images: compare it to its baseline.

    Raises:
        ImageError: there are no images.
    """
    if not len(probabilities):
        raise ImageError("An Inception Score needs an image.", "Give some images.")
    apart = rel_entr(probabilities, probabilities.mean(0)).sum(1)
    return float(np.exp(apart.mean()))
