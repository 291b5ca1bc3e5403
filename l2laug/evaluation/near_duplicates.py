"""Near duplicates: samples whose perceptual hash is that of a support image, or nearly."""

from __future__ import annotations

import imagehash
import numpy as np
from numpy.typing import NDArray
from scipy import stats

from l2laug.core.arrays import Pixels
from l2laug.data.images.image_io import to_picture
from l2laug.evaluation.scores import Measure
from l2laug.metrics.intervals import wilson_share

BITS = 64
CHANCE = 0.05  # that as many more than among real images are read as more
NEAR = 6  # bits that may differ, as is usual where near duplicates are looked for


def near_duplicates(samples: Pixels, support: Pixels, others: Pixels) -> Measure:
    """The share of samples that are near duplicates of a support image, and of real images.

    A second opinion beside the distance of pixels: the perceptual hash (pHash) depends on coarse
    shape alone, so that brightness and contrast hide no copy. Of images of simple shapes it may be
    alike for all: compare with the share among real images.

    Args:
        samples: uint8 ``(N, C, S, S)``, N at least 1.
        support: what adapt saw.
        others: other real images of the class; may be none.
    """
    found, other = (
        int((hash_distances(images, support) <= NEAR).sum()) if len(images) else 0
        for images in (samples, others)
    )
    drawn = wilson_share(found, len(samples))
    baseline = wilson_share(other, len(others)) if len(others) else None
    counts = np.array([[found, len(samples) - found], [other, len(others) - other]])
    more = stats.fisher_exact(counts, alternative="greater").pvalue < CHANCE
    reading = "more than among real images" if more else "not more than among real images"
    return Measure(
        name="near duplicates",
        value=drawn.value,
        low=drawn.low,
        high=drawn.high,
        baseline=baseline.value if baseline else None,
        baseline_low=baseline.low if baseline else None,
        baseline_high=baseline.high if baseline else None,
        samples=len(samples),
        real=len(others),
        extractor=f"pHash, {NEAR} of {BITS} bits may differ",
        sha256="",
        resizing="to 32x32 grey, Lanczos",
        reading=reading if len(others) else "no held-out real images to compare with",
        too_small="" if len(others) else "It takes held-out real images to compare with.",
    )


def hash_distances(images: Pixels, support: Pixels) -> NDArray[np.int64]:
    """The number of bits that differ from the nearest support image's, ``(N,)``."""
    ours, known = _hashes(images), _hashes(support)
    nearest: NDArray[np.int64] = (ours[:, None] != known[None]).sum(2).min(1)
    return nearest


def _hashes(pixels: Pixels) -> NDArray[np.bool_]:
    return np.stack([imagehash.phash(to_picture(p)).hash.ravel() for p in pixels])
