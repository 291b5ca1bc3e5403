"""Images of one or more classes in memory."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from l2laug.core.arrays import Pixels
from l2laug.core.errors import ImageError
from l2laug.data.datasets.problems import image_size
from l2laug.data.images.image_io import read_image

LARGE = 2**24  # pixels; of such files one is decoded at a time, whatever the machine's threads


@dataclass(frozen=True)
class ImageSet:
    """Images of one or more classes.

    Attributes:
        pixels: ``(N, C, S, S)`` uint8.
        labels: ``(N,)`` int64, an index into ``classes`` each.
        classes: names of the classes, sorted.
        paths: the file of each image.
        skipped: files that could not be read, with the reason.
    """

    pixels: Pixels
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    paths: tuple[Path, ...]
    skipped: tuple[tuple[Path, str], ...] = ()

    def of(self, names: Sequence[str]) -> ImageSet:
        """The images of some classes, labels counted anew in the order of ``names``."""
        index = {self.classes.index(name): i for i, name in enumerate(names)}
        rows = np.flatnonzero(np.isin(self.labels, list(index)))
        labels = np.array([index[int(self.labels[r])] for r in rows], dtype=np.int64)
        paths = tuple(self.paths[r] for r in rows)
        return ImageSet(self.pixels[rows], labels, tuple(names), paths)

    def take(self, rows: NDArray[np.int64]) -> ImageSet:
        """The images at ``rows``, with the classes as they are."""
        paths = tuple(self.paths[r] for r in rows)
        return ImageSet(self.pixels[rows], self.labels[rows], self.classes, paths)


def read_classes(
    folders: dict[str, list[Path]],
    size: int,
    channels: int,
    on_file: Callable[[], None] | None = None,
) -> ImageSet:
    """Read classes of files as found by :func:`class_folders`.

    Files that can't be read are left out and named in ``skipped``; a class none of whose files
    can be read is left out too.

    Raises:
        ImageError: not one file can be read; each is named with its reason.
    """
    files = [(name, path) for name in sorted(folders) for path in folders[name]]
    results = read_files([path for _, path in files], size, channels, on_file)
    good = [(f, r) for f, r in zip(files, results, strict=True) if not isinstance(r, str)]
    bad = tuple((f[1], r) for f, r in zip(files, results, strict=True) if isinstance(r, str))
    if not good:
        raise unreadable(bad)
    names = tuple(sorted({name for (name, _), _ in good}))
    return ImageSet(
        pixels=np.stack([pixels for _, pixels in good]),
        labels=np.array([names.index(name) for (name, _), _ in good], dtype=np.int64),
        classes=names,
        paths=tuple(path for (_, path), _ in good),
        skipped=bad,
    )


def read_again(images: ImageSet, size: int, channels: int) -> ImageSet:
    """The same images from their files, at another size.

    Raises:
        ImageError: a file is gone, or can't be read any more.
    """
    pixels = read_again_files(images.paths, size, channels)
    return ImageSet(pixels, images.labels, images.classes, images.paths)


def read_again_files(files: Sequence[Path], size: int, channels: int) -> Pixels:
    """Pixels ``(N, C, S, S)`` of files that could be read before.

    Raises:
        ImageError: one of them can't be read any more.
    """
    found = read_files(files, size, channels)
    if bad := [(f, why) for f, why in zip(files, found, strict=True) if isinstance(why, str)]:
        raise unreadable(bad)
    empty = [np.empty((0, channels, size, size), np.uint8)]
    return np.concatenate(empty + [f[None] for f in found if not isinstance(f, str)])


def read_files(
    files: Sequence[Path],
    size: int,
    channels: int,
    on_file: Callable[[], None] | None = None,
) -> list[Pixels | str]:
    """Read files side by side: of each its pixels ``(C, S, S)``, or why it can't be read."""
    alone = Lock()

    def read(path: Path) -> Pixels | str:
        if on_file is not None:
            on_file()
        try:
            width, height = image_size(path) or (0, 0)
            with alone if width * height > LARGE else nullcontext():
                return read_image(path, size, channels)
        except ImageError as error:
            return error.fact.removeprefix(f"{path}: ")

    with ThreadPoolExecutor() as pool, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's name no file; what matters is in the reason
        return list(pool.map(read, files))


def unreadable(files: Sequence[tuple[Path, str]]) -> ImageError:
    """The error that none of some files can be read, each named with its reason."""
    named = "\n".join(f"  {path}: {reason}" for path, reason in files)
    return ImageError(f"None of the images can be read:\n{named}\n", "Give others.")
