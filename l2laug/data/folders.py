"""Find image files and class folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from l2laug.artifacts.output_folders import holds_samples, is_output
from l2laug.core.errors import ImageError
from l2laug.data.label_images import describe, part_images

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"})


def find_images(folder: Path) -> list[Path]:
    """Every image file in and below ``folder``, sorted, hidden files and folders left out.

    So are folders below it that l2laug wrote: what it drew must never pass for real images. Links
    are followed, but not back up into a folder they lie in.

    Raises:
        ImageError: a folder may not be opened.
    """
    return sorted(_walk(folder, (folder.resolve(),)))


def _walk(folder: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    try:
        entries = [Path(entry.path) for entry in os.scandir(folder) if entry.name[0] != "."]
    except OSError as error:
        raise ImageError(
            f"Folder {folder} can't be opened: {error.strerror or error}.",
            "Change its permissions, or take it away.",
        ) from error
    for path in entries:
        if path.is_dir():
            real = path.resolve()
            if real not in above and not is_output(path):
                yield from _walk(path, (*above, real))
        elif path.suffix.lower() in SUFFIXES and (path.is_file() or path.is_symlink()):
            yield path  # a broken link too, so that it is named


def class_folders(
    folder: Path, *, several: bool = False, say: Callable[[str], None] | None = None
) -> dict[str, list[Path]]:
    """The classes in ``folder`` and their files, see :func:`find_images`.

    A folder with images directly in it is one class (nested images included); otherwise each of
    its subfolders that holds images is a class of its own. With ``several`` that is so wherever
    there are such subfolders: a stray image beside them is of no class. Masks and thumbnails of
    other images are left out, see :func:`l2laug.data.label_images.part_images`.

    Args:
        folder: of images, or of class folders.
        several: see above.
        say: is told of masks and thumbnails that were left out.

    Raises:
        ImageError: there is no such folder or no image in it, it may not be opened, it is a run or
            a bundle, or a class has a name that can't be written as UTF-8.
    """
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise ImageError(f"Folder {folder} {what}.", "Give a folder of images.")
    if is_output(folder) and not holds_samples(folder):
        raise ImageError(
            f"Folder {folder} was written by l2laug.",
            "Give a folder of images; those that sample drew lie in RUN/samples.",
        )
    everything, left_out = part_images(folder, find_images(folder))
    if say is not None:
        for line in describe(left_out):
            say(line)
    nested = [path for path in everything if path.parent != folder]
    if several and nested:
        everything = nested
    if not everything:
        raise ImageError(
            f"No image in {folder}.", f"Put some there ({', '.join(sorted(SUFFIXES))})."
        )
    if len(nested) < len(everything):
        classes = {folder.resolve().name: everything}
    else:
        classes = {}
        for path in everything:
            classes.setdefault(path.relative_to(folder).parts[0], []).append(path)
    for name in classes:
        if any("\ud800" <= letter <= "\udfff" for letter in name):  # Python's for a stray byte
            raise ImageError(f"The name of class folder {name!r} is not UTF-8.", "Rename it.")
    return classes
