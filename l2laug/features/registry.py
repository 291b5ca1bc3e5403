"""The extractor that --features names."""

from __future__ import annotations

from pathlib import Path

from l2laug.artifacts.bundle import Bundle
from l2laug.core.errors import UsageError
from l2laug.features.extractor import Extractor, bundle_extractor


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
    if features == "bundle" and "features.onnx" in bundle.info["files"]:
        return bundle_extractor(bundle)
    if features in ("general", "bundle"):
        from l2laug.features.general import general_extractor

        return general_extractor(device)
    named, _, place = features.partition("@")
    path = Path(place) if place else None
    kind, _, name = named.partition(":")
    # The bundle's own net needs no torch.
    if kind == "timm" and name:
        from l2laug.features.timm_backbone import timm_extractor

        return timm_extractor(name, path, device)
    if kind == "inception":
        from l2laug.features.inception import LAYER, inception_extractor

        return inception_extractor(name or LAYER, path, device)
    raise UsageError(
        f"--features {features} is not known.",
        "Use bundle, timm:NAME@PATH, timm:NAME, inception@PATH or inception.",
    )
