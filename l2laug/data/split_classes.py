"""Split class folders into source classes and held-out ones."""

from __future__ import annotations

import numpy as np

from l2laug.config.recipe import DataOptions
from l2laug.core.errors import ImageError
from l2laug.data.image_set import ImageSet
from l2laug.data.pseudo_classes import with_pseudo_classes


def split_classes(images: ImageSet, options: DataOptions) -> tuple[ImageSet, ImageSet]:
    """Source classes and held-out ones, chosen by the recipe's seed; too small classes go.

    Where the recipe splits classes into parts, those are the classes.

    Raises:
        ImageError: fewer than two source classes would be left.
    """
    images = with_pseudo_classes(images, options.pseudo_classes, options.seed)
    counts = np.bincount(images.labels, minlength=len(images.classes))
    usable = [c for c, n in zip(images.classes, counts, strict=True) if n >= options.min_images]
    held = options.held_out
    count = round(held * len(usable)) if isinstance(held, float) else held
    if options.classes is not None:
        count = len(usable) - options.classes
        if count < 1:
            raise ImageError(
                f"The recipe learns from {options.classes} classes and holds out the others; here "
                f"are {len(usable)} with {options.min_images} images or more.",
                "Give more class folders, or lower data.classes in the recipe.",
            )
    count = max(count, 1)
    if len(usable) - count < 2:
        raise ImageError(
            f"{len(usable)} classes have {options.min_images} images or more; with {count} held "
            "out, fewer than two are left to learn from.",
            "Give more class folders, or hold out fewer (data.held_out in the recipe).",
        )
    order = np.random.default_rng(options.seed).permutation(len(usable))
    unseen = [usable[i] for i in order[:count]]
    source = sorted(usable[i] for i in order[count:])
    return images.of(source), images.of(unseen)
