"""The user's own base classes: which folders they are, and which of their images are learned."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np

from l2laug.artifacts.bundle import Bundle
from l2laug.artifacts.model_card import SHORT
from l2laug.config.recipe import BaseOptions
from l2laug.core.arrays import pixel_hash
from l2laug.core.errors import ImageError
from l2laug.core.progress import Progress
from l2laug.data.folders import class_folders
from l2laug.data.image_set import ImageSet, read_classes
from l2laug.data.pseudo_classes import with_pseudo_classes
from l2laug.data.public_sources import source_folder


def source_classes(
    source: Path, rare: Path | None, say: Callable[[str], None] | None = None
) -> dict[str, list[Path]]:
    """The classes in ``source``, those left out that lie in the folder ``rare`` or are called so.

    ``source`` is a folder, or the name of a public data set; ``say`` is told of files left out.

    Raises:
        ImageError: none is left.
    """
    classes = class_folders(source_folder(source), several=True, say=say)
    if rare is not None:
        inside = rare.resolve()
        called = set(class_folders(rare)) if rare.is_dir() else set()
        classes = {
            name: files
            for name, files in classes.items()
            if name not in called and not (source / name).resolve().is_relative_to(inside)
        }
    if not classes:
        raise ImageError(f"{source} holds no class but {rare}.", "Name base classes.")
    return classes


SHARE = 0.7  # of each base class; what is left is for tests


def read_base_classes(
    folder: Path,
    rare: Path,
    names: Collection[str],
    bundle: Bundle,
    options: BaseOptions,
    seed: int,
    progress: Progress,
    *,
    parts: int = 1,
) -> ImageSet:
    """Some of the images of base classes, at the bundle's size.

    Seven in ten of each class, so that others are left to test a classifier on, and no more images
    and classes than the recipe says.

    Args:
        folder: class folders; those that lie in ``rare`` or are called as a rare class are left
            out.
        rare: the folder of the rare class, or of several.
        names: of the rare classes.
        bundle: size and channels of the images.
        options: how many to take.
        seed: of which are taken.
        progress: where to name what can't be read.
        parts: into how many classes each folder is split, see :mod:`l2laug.data.pseudo_classes`.

    Raises:
        ImageError: no class is left with two images or more.
    """
    random, chosen = np.random.default_rng(seed), {}
    classes = source_classes(folder, rare)
    files = {c: f for c, f in classes.items() if len(f) > 1 and c not in names}
    if not files:
        raise ImageError(f"No base class in {folder} has two images or more.", "Name base classes.")
    for name in sorted(random.permutation(sorted(files))[: options.classes]):
        mine = files[str(name)]
        count = min(options.images, max(round(SHARE * len(mine)), 1))
        chosen[str(name)] = [mine[i] for i in np.sort(random.permutation(len(mine))[:count])]
    images = read_classes(chosen, bundle.size, bundle.channels)
    for path, reason in images.skipped:
        progress.say(f"note: left out {path}: {reason}")
    return with_pseudo_classes(images, parts, seed)


def base_hashes(images: ImageSet) -> tuple[str, ...]:
    """The beginnings of the images' hashes, as a model's card names them, sorted."""
    return tuple(sorted({pixel_hash(p)[:SHORT] for p in images.pixels}))
