"""More source classes from those there are: rotated, flipped or inverted, each is another one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from l2laug.config.recipe import ClassAugmentation
from l2laug.core.arrays import Pixels
from l2laug.data.image_set import ImageSet


def with_class_augmentation(images: ImageSet, kinds: Sequence[ClassAugmentation]) -> ImageSet:
    """Add each class once more for every combination of changes, all its images changed alike.

    A generator that has seen few classes learns them by heart; of more it has to read the class off
    the image it is given (Santoro et al. 2016 turn characters by quarters for the same reason).

    Args:
        images: of some classes.
        kinds: ``rot90`` (by a quarter turn), ``flip`` (left and right), ``invert`` (light and
            dark).

    Returns:
        ``2 ** len(kinds)`` times as many images and classes, those given first.
    """
    chosen = [c for n in range(len(kinds) + 1) for c in combinations(kinds, n)]
    names = ["".join(f"/{change}" for change in changes) for changes in chosen]
    count = len(images.classes)
    return ImageSet(
        np.concatenate([_changed(images.pixels, changes) for changes in chosen]),
        np.concatenate([images.labels + count * i for i in range(len(chosen))]),
        tuple(c + name for name in names for c in images.classes),
        images.paths * len(chosen),
    )


def _changed(pixels: Pixels, changes: Sequence[ClassAugmentation]) -> Pixels:
    for change in changes:
        if change == "rot90":
            pixels = np.rot90(pixels, axes=(2, 3))
        elif change == "flip":
            pixels = pixels[..., ::-1]
        else:
            pixels = 255 - pixels
    return pixels
