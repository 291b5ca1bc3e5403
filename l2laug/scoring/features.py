"""Feature extractors: images to the vectors that distances are measured on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from l2laug.bundles import Bundle
from l2laug.errors import UsageError
from l2laug.images import Pixels, to_unit

Features = NDArray[np.float64]
BATCH = 64


@dataclass(frozen=True)
class Extractor:
    """A net that turns images into features.

    Attributes:
        name: to stand beside every number measured with it.
        digest: SHA-256 of its weights.
        extract: uint8 ``(N, C, S, S)`` to ``(N, D)``, of one batch.
        resizing: what is done to images before it sees them.
        head: features ``(N, D)`` to probabilities ``(N, K)`` of K classes, if it tells any apart.
    """

    name: str
    digest: str
    extract: Callable[[Pixels], NDArray[np.float32]]
    resizing: str = "none"
    head: Callable[[Features], Features] | None = None

    def __call__(self, pixels: Pixels) -> Features:
        """Features of uint8 images, ``(N, C, S, S)`` to ``(N, D)`` float64."""
        parts = [self.extract(pixels[i : i + BATCH]) for i in range(0, len(pixels), BATCH)]
        return np.concatenate(parts).astype(np.float64)


def find_extractor(features: str, bundle: Bundle, device: str = "auto") -> Extractor:
    """The extractor that ``--features`` names.

    Args:
        features: ``bundle`` for the bundle's own net, ``timm:NAME@PATH`` for a timm backbone with
            weights from a file, ``timm:NAME`` for one whose weights timm fetches, ``inception``
            or ``inception:LAYER`` for FID's own net, its weights fetched or from ``@PATH``.
        bundle: what the model grew from.
        device: for a timm backbone or inception.

    Raises:
        UsageError: it names none of these, or one that is not installed.
        BundleError: the weights are missing, can't be read or do not fit.
    """
    if features == "bundle":
        return bundle_extractor(bundle)
    named, _, place = features.partition("@")
    path = Path(place) if place else None
    kind, _, name = named.partition(":")
    # The bundle's own net needs no torch.
    if kind == "timm" and name:
        from l2laug.scoring.timm_features import timm_extractor

        return timm_extractor(name, path, device)
    if kind == "inception":
        from l2laug.scoring.inception import LAYER, inception_extractor

        return inception_extractor(name or LAYER, path, device)
    raise UsageError(
        f"--features {features} is not known.",
        "Use bundle, timm:NAME@PATH, timm:NAME, inception@PATH or inception.",
    )


def bundle_extractor(bundle: Bundle) -> Extractor:
    """The small feature net of a bundle, trained to tell its source classes apart."""
    digest = str(bundle.info["files"]["features.onnx"])
    return extractor_at(bundle.file("features.onnx"), f"{bundle.name} feature net", digest)


def extractor_at(path: Path, name: str, digest: str) -> Extractor:
    """An extractor from an ONNX file: input ``(N, C, S, S)`` in [-1, 1], output ``(N, D)``."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])

    def extract(pixels: Pixels) -> NDArray[np.float32]:
        found: NDArray[np.float32] = session.run(None, {"images": to_unit(pixels)})[0]
        return found

    return Extractor(name, digest, extract)
