"""Mahalanobis distance of features to a Gaussian fitted to a source."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save

from l2laug.core.arrays import Features
from l2laug.core.files import whole_file


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
