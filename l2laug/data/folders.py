"""Find image files and class folders."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from l2laug.artifacts.output_folders import holds_samples, is_output
from l2laug.core.errors import ImageError
from l2laug.data.label_images import describe, part_images

_READ = "avif bmp gif heic heif jfif jpe jpeg jpg png tif tiff webp"
# Images of kinds that are not read: a person would miss them, so they are named.
_UNREAD = (
    "arw cr2 cr3 czi dcm dng exr h5 hdf5 hdr jp2 jxl lif mat nd2 ndpi nef nii npy npz orf pgm pnm "
    "ppm psd raf rw2 svg svs tga"
)
SUFFIXES, UNREAD = (frozenset(f".{kind}" for kind in kinds.split()) for kinds in (_READ, _UNREAD))


def find_images(folder: Path) -> list[Path]:
    """Every image file in and below ``folder``, sorted, hidden files and folders left out.

    So are folders below it that l2laug wrote: what it drew must never pass for real images. Links
    are followed, but not back up into a folder they lie in.

    Raises:
        ImageError: a folder may not be opened.
    """
    return sorted(p for p in _walk(folder, (folder.resolve(),)) if _is_image(p))


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def _walk(folder: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    """Files of any kind; of others than images those that are there, of images broken links too."""
    try:
        entries = [entry for entry in os.scandir(folder) if entry.name[0] != "."]
    except OSError as error:
        raise ImageError(
            f"Folder {folder} can't be opened: {error.strerror or error}.",
            "Change its permissions, or take it away.",
        ) from error
    for entry in entries:
        path, linked = Path(entry.path), entry.is_symlink()
        if path.is_dir() if linked else entry.is_dir():  # a link may lead round in a circle
            real = path.resolve()
            if real not in above and not is_output(path):
                yield from _walk(path, (*above, real))
        elif (linked and _is_image(path)) or (path.is_file() if linked else entry.is_file()):
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
    files = sorted(_walk(folder, (folder.resolve(),)))
    everything, left_out = part_images(folder, filter(_is_image, files))
    others = Counter(path.suffix.lower() for path in files if not _is_image(path))
    unread = Counter({kind: count for kind, count in others.items() if kind in UNREAD})
    if say is not None:
        for line in describe(left_out):
            say(line)
        if unread and everything:
            say(f"note: left out {_told(unread)} in {folder}: save them as PNG or TIFF to use them")
    nested = [path for path in everything if path.parent != folder]
    if several and nested:
        everything = nested
    if not everything:
        there = f" There are {_told(others)} of other kinds." if others else ""
        raise ImageError(
            f"No image in {folder}.{there}", f"Put some there ({', '.join(sorted(SUFFIXES))})."
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


def _told(kinds: Counter[str]) -> str:
    """How many files there are, and of which kinds: ``3 files (2 .npy, 1 without an ending)``."""
    each = (f"{count} {kind or 'without an ending'}" for kind, count in kinds.most_common(5))
    return f"{kinds.total()} file{'s' * (kinds.total() > 1)} ({', '.join(each)})"
