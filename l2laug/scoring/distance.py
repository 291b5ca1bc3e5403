"""How far images lie from a bundle's source, in its own features."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save

from l2laug.bundles import Bundle
from l2laug.files import whole_file
from l2laug.images import ImageSet
from l2laug.scoring.features import Features, bundle_extractor

STATISTICS = "statistics.safetensors"


def save_statistics(features: Features, path: Path) -> None:
    """Write mean and inverse covariance of the source's features ``(N, D)``."""
    covariance = np.atleast_2d(np.cov(features, rowvar=False))
    # A little of the mean variance on the diagonal: few images leave directions without any.
    covariance += np.eye(len(covariance)) * np.trace(covariance) / len(covariance) * 1e-2
    arrays = {
        "mean": features.mean(0).astype(np.float32),
        "precision": np.linalg.inv(covariance).astype(np.float32),
    }
    with whole_file(path) as part:
        part.write_bytes(save(arrays))


def source_distances(features: Features, statistics: Path) -> NDArray[np.float64]:
    """Mahalanobis distance of each of ``(N, D)`` features to the source, ``(N,)``.

    Divided by the root of D: near 1 for images of the source itself.
    """
    arrays = load_file(statistics)
    gaps = features - arrays["mean"]
    squared = np.einsum("nd,de,ne->n", gaps, arrays["precision"], gaps)
    distances: NDArray[np.float64] = np.sqrt(squared.clip(0) / gaps.shape[1])
    return distances


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
        f"under {limit:.1f}). Look at the samples before you use them; l2laug adapt --common DIR "
        "learns from your own plentiful classes first, in minutes, --source DIR in hours."
    )
