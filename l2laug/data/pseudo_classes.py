"""More source classes from few large ones: each split into groups of images that are alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from l2laug.core.arrays import Pixels
from l2laug.data.image_set import ImageSet

SMALLEST = 4  # images to a part, on average
COMPONENTS = 20


def with_pseudo_classes(images: ImageSet, parts: int, seed: int = 0) -> ImageSet:
    """Split each class by k-means into at most ``parts`` groups, each a class of its own.

    A generator that has seen three classes prints their textures over a fourth. What it can learn
    from many groups is what differs between two images that are alike: where things lie, not what
    they are made of.

    Args:
        images: of some classes; they keep their order.
        parts: groups of a class, fewer where it has not :data:`SMALLEST` times as many images; 1
            leaves all as it is.
        seed: of k-means.
    """
    if parts == 1:
        return images
    names: list[str] = []
    labels = np.empty_like(images.labels)
    for index, name in enumerate(images.classes):
        rows = np.flatnonzero(images.labels == index)
        count = max(1, min(parts, len(rows) // SMALLEST))
        groups = _alike(images.pixels[rows], count, seed)
        labels[rows] = len(names) + groups
        names += [f"{name}/{group:02d}" for group in range(groups.max(initial=0) + 1)]
    return replace(images, labels=labels, classes=tuple(names))


def _alike(pixels: Pixels, count: int, seed: int) -> NDArray[np.int64]:
    """The group, 0 to ``count - 1``, of each image ``(N, C, S, S)`` of a class."""
    from sklearn.cluster import KMeans  # seconds that most adaptations need not spend
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    if count == 1:
        return np.zeros(len(pixels), np.int64)
    # Texture, as amplitudes of low frequencies, and layout, as a thumbnail, of equal weight.
    grey = pixels.mean(1)
    n, side = len(grey), grey.shape[-1]
    low = np.r_[0 : side // 4, side - side // 4 : side]
    amplitudes = np.log1p(np.abs(np.fft.rfft2(grey)))[:, low, : side // 4].reshape(n, -1)
    amplitudes = StandardScaler().fit_transform(amplitudes)
    texture = PCA(min(COMPONENTS, *amplitudes.shape), random_state=0).fit_transform(amplitudes)
    layout = grey.reshape(n, 4, side // 4, 4, side // 4).mean((2, 4)).reshape(n, -1)
    layout -= layout.mean(0)
    look = np.hstack([part / (part.std() + 1e-9) for part in (texture, layout)])
    found = KMeans(count, n_init=4, random_state=seed).fit_predict(look)
    groups: NDArray[np.int64] = np.unique(found, return_inverse=True)[1]  # some may be empty
    return groups
