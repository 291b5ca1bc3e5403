"""How far images lie from a bundle's source, in its own features."""

from __future__ import annotations

import numpy as np

from l2laug.artifacts.bundle import Bundle
from l2laug.artifacts.names import STATISTICS
from l2laug.data.image_set import ImageSet
from l2laug.features.extractor import bundle_extractor
from l2laug.metrics.mahalanobis import source_distances


def relative_distance(images: ImageSet, bundle: Bundle) -> float:
    """How far images typically lie from a bundle's source, 1 being as far as its unseen classes."""
    features = bundle_extractor(bundle)(images.pixels)
    median = float(np.median(source_distances(features, bundle.file(STATISTICS))))
    return median / float(bundle.info["source"]["distance"]["median"])


def far_from_source(images: ImageSet, bundle: Bundle) -> str | None:
    """A sentence if most images are farther out than 99 of 100 of the bundle's unseen classes."""
    features = bundle_extractor(bundle)(images.pixels)
    median = float(np.median(source_distances(features, bundle.file(STATISTICS))))
    limit = float(bundle.info["source"]["distance"]["percentile_99"])
    if median <= limit:
        return None
    typical = float(bundle.info["source"]["distance"]["median"])
    return (
        f"{', '.join(images.classes)}: these images look unlike what bundle {bundle.name} was "
        f"trained on (distance {median:.1f}; its own unseen classes {typical:.1f}, 99 in 100 "
        f"under {limit:.1f}). Look at the samples before you use them; l2laug adapt --base DIR "
        "learns from your own base classes first, in minutes, --source DIR in hours."
    )
