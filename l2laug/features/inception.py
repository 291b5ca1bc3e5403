"""Inception v3 as FID was published with (TensorFlow's of 2015), by torch-fidelity."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import scipy.special
import torch
from numpy.typing import NDArray

from l2laug.core.arrays import Features, Pixels
from l2laug.core.errors import BundleError, UsageError
from l2laug.core.extras import missing_extra
from l2laug.core.hashing import file_hash
from l2laug.features.extractor import Extractor
from l2laug.features.resizing import resized
from l2laug.runtime.device import pick_engine

SIDE = 299
LAYER = "2048"
LAYERS = ("64", "192", "768", LAYER)  # by the number of their features
OWN = "6726825d"  # that the SHA-256 of the published weights begins with


def inception_extractor(layer: str, path: Path | None, device: str = "auto") -> Extractor:
    """What Inception v3 pools at a layer, ``(N, D)``; at the last one with class probabilities.

    Images go in as 8 bits, as torch-fidelity's net takes them: of 299x299 as they are, others
    resized as in clean-fid and rounded. Probabilities are those of the Inception Score, without
    the bias of the last layer.

    Args:
        layer: 64, 192, 768 or 2048; the first ones for few images, 2048 for the published FID.
        path: the weights in torch-fidelity's layout; None takes them from torch's cache, where
            they are fetched to on first use.
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        UsageError: there is no such layer.
        MissingExtraError: torch-fidelity is not installed.
        BundleError: the weights are missing, damaged or do not fit.
    """
    if layer not in LAYERS:
        raise UsageError(
            f"--features inception:{layer} is no layer of it.", f"Use one of {', '.join(LAYERS)}."
        )
    try:
        from torch_fidelity import feature_extractor_inceptionv3 as published
    except ModuleNotFoundError as error:
        raise missing_extra(error) or error from None
    place = pick_engine(device).device
    path = path or _fetched(published.URL_INCEPTION_V3)
    net = _loaded(published, layer, path).to(place)
    digest = file_hash(path)
    whose = "FID's own weights" if digest.startswith(OWN) else "other weights"
    to_logits = net.fc.weight.double().cpu().numpy().T

    @torch.no_grad()
    def extract(pixels: Pixels) -> NDArray[np.float32]:
        x = (resized(pixels, SIDE) * 255).round().clamp(0, 255).to(torch.uint8)
        found: NDArray[np.float32] = net(x.to(place))[0].cpu().numpy()
        return found

    def head(features: Features) -> Features:
        found: Features = scipy.special.softmax(features @ to_logits, axis=1)
        return found

    return Extractor(
        name=f"Inception v3 layer {layer}, {whose}",
        digest=digest,
        extract=extract,
        resizing=f"to {SIDE}x{SIDE}, bicubic, antialiased, rounded to 8 bits",
        head=head if layer == LAYER else None,
    )


def _fetched(url: str) -> Path:
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(url, str(path), hash_prefix=OWN, progress=False)
        except Exception as error:  # of the network, of its protocols or of the hash
            raise BundleError(
                f"Inception's weights can't be fetched: {error}.",
                f"Fetch {url} where there is a network, then give --features inception@PATH.",
            ) from error
    if not file_hash(path).startswith(OWN):
        raise BundleError(f"{path} is damaged.", "Remove it, and it is fetched anew.")
    return path


def _loaded(published: Any, layer: str, path: Path) -> Any:
    if not path.is_file():
        raise BundleError(
            f"--features: no weights at {path}.", f"Fetch {published.URL_INCEPTION_V3} to there."
        )
    try:
        # torch-fidelity would run what a harmful pickle says: this rejects one.
        torch.load(path, map_location="cpu", weights_only=True)
        return published.FeatureExtractorInceptionV3(
            "inception", [layer], feature_extractor_weights_path=str(path)
        )
    except (
        pickle.UnpicklingError,
        RuntimeError,
        ValueError,
        TypeError,
        EOFError,
        OSError,
    ) as error:
        raise BundleError(
            f"{path} holds no weights of torch-fidelity's Inception v3.",
            f"Give the file of {published.URL_INCEPTION_V3}",
        ) from error
