"""Images of a rare class that look like another class: is their label right?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from l2laug.core.arrays import Features, directions
from l2laug.data.image_set import ImageSet
from l2laug.features.general import GeneralNet, general_features

FEWEST = 4  # images of the rare class, so that one can be the odd one out
CLASSES, IMAGES = 25, 20  # base classes that are looked at, and of each
USUAL = 0.1  # quantile of a base class's own images: what looks like it lies above
# What tests.benchmarks.odd_labels saw on digits, steel plates, weather, bricks, animals and traffic
# signs: of 1,440 images with the right label 18 are named, of 240 with the wrong one 82.


def odd_labels(support: ImageSet, base: ImageSet, net: GeneralNet) -> list[str]:
    """Say which images of a rare class look more like a base class than like the others.

    Args:
        support: the rare class.
        base: classes with other names.
        net: the general net, through which they are seen.

    Returns:
        A sentence for each of those images.
    """
    if len(support.pixels) < FEWEST:
        return []
    known = {}
    for label in np.unique(np.linspace(0, len(base.classes) - 1, CLASSES).astype(int)):
        rows = np.flatnonzero(base.labels == label)[:IMAGES]
        if len(rows) >= FEWEST:
            known[base.classes[label]] = directions(general_features(net, base.pixels[rows]))
    own = directions(general_features(net, support.pixels))
    name = support.classes[0]
    return [
        f"{support.paths[row]} looks more like class {other} than like the other images of {name}: "
        "is its label right?"
        for row, other in find_odd(own, known)
    ]


def find_odd(own: Features, known: Mapping[str, Features]) -> list[tuple[int, str]]:
    """Rows of a class that are nearer to another class than to their own.

    That is, each is the least like the others of its class, by a deviation of theirs, and as much
    like the other class as that one's own images are.

    Args:
        own: features ``(n, D)`` of the class, of length one.
        known: by name, those of other classes.
    """
    if len(own) < FEWEST or not known:
        return []
    means = {name: _mean(features) for name, features in known.items()}
    usual = {name: float(np.quantile(_to_others(f), USUAL)) for name, f in known.items()}
    found = []
    for row, mine in enumerate(_to_others(own)):
        left = _to_others(np.delete(own, row, axis=0))
        near = {name: float(own[row] @ mean) for name, mean in means.items()}
        other = max(near, key=near.__getitem__)
        apart = mine < left.min() and near[other] > mine + left.std()
        if apart and near[other] >= max(float(left.mean()), usual[other]):
            found.append((row, other))
    return found


def _to_others(features: Features) -> NDArray[np.float64]:
    """Cosine of each to the mean of the others."""
    means = directions(features.sum(0) - features)
    return np.asarray((features * means).sum(1))


def _mean(features: Features) -> NDArray[np.float64]:
    return np.asarray(directions(features.mean(0)[None])[0])
