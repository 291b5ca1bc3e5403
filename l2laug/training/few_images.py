"""What few images tell of their class: how much it varies, and how far draws are from it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from l2laug.core.arrays import Features, Pixels
from l2laug.metrics.diversity import diversity

TRUST = 2  # the diversity of source classes counts as much as that of so many rare images
# Variances of the logarithm of diversity over the usual one, of all images of a class and of a pair
# of them: on held-out classes of bundle glyphs the deviation is .27 of 2 images, .22 of 3, .18 of
# 5, .15 of 20.
CLASSES, PAIRS = 0.15**2, 0.05
LEAST_OWN = 0.02  # of the usual diversity; faint, blurred ink has .09
SAME = 0.97  # correlation of the pixels of two takes of one image
OTHER_DOMAIN = 2.0  # so many deviations off, source classes count .6 of that


def expected_diversity(features: Features, usual: float) -> float:
    """The diversity of a class of which these features ``(N, D)`` are known.

    Between theirs, which few images tell badly, and the ``usual`` one of source classes. The latter
    counts the less the less theirs is like that of any source class: images of another domain, such
    as faint ink, lie nearer to one another in features than those of the source ever do.
    """
    count = len(features)
    if count < 2:
        return usual
    own = max(diversity(features), LEAST_OWN * usual)
    apart = math.log(own / usual) ** 2
    trust = TRUST * math.exp(-apart / (2 * OTHER_DOMAIN**2 * (CLASSES + PAIRS / (count - 1))))
    return (count * own + trust * usual) / (count + trust)


def distinct(pixels: Pixels) -> NDArray[np.int64]:
    """Rows of images ``(N, C, S, S)`` that are no second take of one before them.

    Such lie near to one another for other reasons than their domain, and tell of one image.
    """
    flat = pixels.reshape(len(pixels), -1).astype(np.float64)
    flat -= flat.mean(1, keepdims=True)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True) + 1e-9
    kept = [0]
    for row in range(1, len(flat)):
        if (flat[kept] @ flat[row]).max() < SAME:
            kept.append(row)
    return np.array(kept, np.int64)


def frechet_to_few(
    drawn: Sequence[Features], real: Sequence[Features], expected: Sequence[float]
) -> float:
    """Squared Frechet distance between isotropic normals of which few points are known.

    Over the variance expected, a mean over the classes. The mean of ``n`` images, drawn or real,
    is off by their variance over ``n`` on average: that much is no fault of what draws them, and
    does not count.

    Args:
        drawn: by class, features ``(N, D)``, N at least 2.
        real: by class, features ``(n, D)`` of real images.
        expected: by class, the mean distance between real images.
    """
    off, apart = [], []
    for mine, theirs, usual in zip(drawn, real, expected, strict=True):
        # Between points of a normal the root mean square distance is sqrt(2) times the deviation.
        wanted, found = usual / 2**0.5, diversity(mine) / 2**0.5
        shift = float(((mine.mean(0) - theirs.mean(0)) ** 2).sum())
        off.append((shift - wanted**2 / len(theirs) - found**2 / len(mine)) / wanted**2)
        apart.append((found / wanted - 1) ** 2)
    return max(0.0, float(np.mean(off))) + float(np.mean(apart))
