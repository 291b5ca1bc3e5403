"""Feature extractors: images to the vectors that distances are measured on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from l2laug.bundles import Bundle
from l2laug.images import Pixels, to_unit

Features = NDArray[np.float64]
BATCH = 64


@dataclass(frozen=True)
class Extractor:
    """A feature net in ONNX: input ``(N, C, S, S)`` in [-1, 1], output ``(N, D)``.

    Attributes:
        name: to stand beside every number measured with it.
        digest: SHA-256 of its file.
        session: onnxruntime's.
    """

    name: str
    digest: str
    session: onnxruntime.InferenceSession

    def __call__(self, pixels: Pixels) -> Features:
        """Features of uint8 images, ``(N, C, S, S)`` to ``(N, D)`` float64."""
        parts = [
            self.session.run(None, {"images": to_unit(pixels[i : i + BATCH])})[0]
            for i in range(0, len(pixels), BATCH)
        ]
        return np.concatenate(parts).astype(np.float64)


def bundle_extractor(bundle: Bundle) -> Extractor:
    """The small feature net of a bundle, trained to tell its source classes apart."""
    digest = str(bundle.info["files"]["features.onnx"])
    return extractor_at(bundle.file("features.onnx"), f"{bundle.name} feature net", digest)


def extractor_at(path: Path, name: str, digest: str) -> Extractor:
    """An extractor from an ONNX file."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    return Extractor(name, digest, session)
