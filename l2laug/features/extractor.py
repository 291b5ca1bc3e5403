"""Feature extractors: images to the vectors that distances are measured on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from l2laug.artifacts.bundle import Bundle
from l2laug.artifacts.onnx_file import check_onnx
from l2laug.core.arrays import Features, Pixels, to_unit

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


def bundle_extractor(bundle: Bundle) -> Extractor:
    """The small feature net of a bundle, trained to tell its source classes apart."""
    digest = str(bundle.info["files"]["features.onnx"])
    return extractor_at(bundle.file("features.onnx"), f"{bundle.name} feature net", digest)


def extractor_at(path: Path, name: str, digest: str) -> Extractor:
    """An extractor from an ONNX file: input ``(N, C, S, S)`` in [-1, 1], output ``(N, D)``.

    Raises:
        BundleError: the file holds more than ONNX's operators, or is damaged.
    """
    check_onnx(path)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])

    def extract(pixels: Pixels) -> NDArray[np.float32]:
        found: NDArray[np.float32] = session.run(None, {"images": to_unit(pixels)})[0]
        return found

    return Extractor(name, digest, extract)
