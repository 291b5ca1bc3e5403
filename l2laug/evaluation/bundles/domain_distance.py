"""How far images lie from a bundle's source, in features of the general net.

A bundle's own feature net knows nothing but its source: to a net of faces a daisy is no farther
than an unseen person. The general net knows a thousand kinds of things.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save
from sklearn.cluster import KMeans

from l2laug.artifacts.bundle import Bundle, find_bundle
from l2laug.artifacts.names import CENTROIDS
from l2laug.core.arrays import Features, Pixels, directions
from l2laug.core.errors import BundleError
from l2laug.core.files import whole_file
from l2laug.features.general import GeneralNet, general_features

KEPT = 64  # centroids
LOOKED_AT = 2000  # source images, at most
GENERAL = "photos"  # the bundle for whatever is far from all others


def save_centroids(
    known: Pixels, unseen: Pixels, net: GeneralNet, path: Path, seed: int = 0
) -> dict[str, float]:
    """Write centroids of source images; how far images of unseen classes lie from them.

    Args:
        known: uint8 ``(N, C, S, S)`` images that were learned from.
        unseen: images of classes that were held out.
        net: the general net.
        path: the file.
        seed: of which images are looked at, and of k-means.
    """
    random = np.random.default_rng(seed)
    seen = directions(general_features(net, known[random.permutation(len(known))[:LOOKED_AT]]))
    means = KMeans(min(KEPT, len(seen)), n_init=2, random_state=seed).fit(seen).cluster_centers_
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    with whole_file(path) as part:
        part.write_bytes(save({"centroids": means.astype(np.float16)}))
    others = unseen[random.permutation(len(unseen))[:LOOKED_AT]]
    distances = nearest_centroid(directions(general_features(net, others)), means)
    return {
        "median": float(np.median(distances)),
        "percentile_99": float(np.percentile(distances, 99)),
    }


def nearest_centroid(directions: Features, centroids: Features) -> NDArray[np.float64]:
    """Cosine distance of features ``(N, D)`` of length one to the nearest centroid, ``(N,)``."""
    found: NDArray[np.float64] = 1 - (directions @ centroids.T).max(1)
    return found


def distances_to(bundles: Sequence[Bundle], images: Pixels, net: GeneralNet) -> dict[str, float]:
    """How far images typically lie from the sources of bundles, by the bundles' paths.

    1 is as far as images of a bundle's own unseen classes.
    """
    seen = directions(general_features(net, images))
    found = {}
    for bundle in bundles:
        median = float(np.median(nearest_centroid(seen, centroids_of(bundle))))
        found[str(bundle.path)] = median / float(bundle.info["source"]["general"]["median"])
    return found


def centroids_of(bundle: Bundle) -> Features:
    """Directions ``(K, D)`` that stand for what a bundle's source looks like."""
    found: Features = load_file(bundle.file(CENTROIDS))["centroids"].astype(np.float64)
    return found


def anything() -> Features | None:
    """What stands for photographs of anything, ``(K, D)``; none where no such bundle is there.

    Centroids, as long as the cosine between one and a typical image near it: a product with them is
    what the cosine with such an image would be, for what the image has of its own is at right
    angles to nearly everything.
    """
    with suppress(BundleError):
        bundle = find_bundle(GENERAL)
        return centroids_of(bundle) * (1 - float(bundle.info["source"]["general"]["median"]))
    return None


def limit_of(bundle: Bundle) -> float:
    """How far 99 in 100 images of a bundle's own unseen classes stay, see :func:`distances_to`."""
    usual = bundle.info["source"]["general"]
    return float(usual["percentile_99"]) / float(usual["median"])


def share_of_limit(images: Pixels, bundle: Bundle, net: GeneralNet) -> float:
    """How far images are from a bundle's source, over :func:`limit_of`; 0 for the general one."""
    if bundle.name == GENERAL:
        return 0.0
    (distance,) = distances_to([bundle], images, net).values()
    return distance / limit_of(bundle)


def far_from_source(name: str, share: float, bundle: Bundle) -> str | None:
    """A sentence if most images of class ``name`` are farther out than :func:`limit_of` says.

    Args:
        name: of the class.
        share: see :func:`share_of_limit`.
        bundle: whose source is meant.
    """
    if share <= 1:
        return None
    return (
        f"{name}: these images look unlike what bundle {bundle.name} was trained on, "
        f"{share * limit_of(bundle):.1f} times as far as its own unseen classes (99 in 100 of "
        f"those stay under {limit_of(bundle):.1f}). What it draws may be rubbish: leave --bundle "
        "out, or give your own base classes with --base DIR."
    )
