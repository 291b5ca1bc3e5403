"""The only door for pictures: folders of files to uint8 arrays and back, and the [-1, 1] rule."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps

from l2laug.errors import ImageError
from l2laug.ours import holds_samples, is_ours

Pixels = NDArray[np.uint8]
HALF_RANGE = 127.5  # of 0..255, which [-1, 1] stands for
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"})
# How Pillow's decoders name colour of 16 bits a channel, of which it keeps the high bytes.
DEEP = re.compile("(RGB|RGBA|RGBX|RGBa);16([LBN])")


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


def to_unit(pixels: Pixels) -> NDArray[np.float32]:
    """Pixels in 0..255 to floats in [-1, 1], any shape."""
    return pixels.astype(np.float32) / np.float32(HALF_RANGE) - np.float32(1)


def to_pixels(unit: NDArray[np.float32]) -> Pixels:
    """Floats in [-1, 1] to pixels in 0..255, any shape; values outside are clipped."""
    pixels: Pixels = np.rint(np.clip((unit + 1) * HALF_RANGE, 0, 255)).astype(np.uint8)
    return pixels


def pixel_hash(image: Pixels) -> str:
    """SHA-256 of one image's pixels and shape, independent of its file's format and name."""
    return hashlib.sha256(repr(image.shape).encode() + np.ascontiguousarray(image).data).hexdigest()


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
            if real not in above and not is_ours(path):
                yield from _walk(path, (*above, real))
        elif path.suffix.lower() in SUFFIXES and (path.is_file() or path.is_symlink()):
            yield path  # a broken link too, so that it is named


def class_folders(folder: Path, *, several: bool = False) -> dict[str, list[Path]]:
    """The classes in ``folder`` and their files, see :func:`find_images`.

    A folder with images directly in it is one class (nested images included); otherwise each of
    its subfolders that holds images is a class of its own. With ``several`` that is so wherever
    there are such subfolders: a stray image beside them is of no class.

    Raises:
        ImageError: there is no such folder or no image in it, it may not be opened, it is a run or
            a bundle, or a class has a name that can't be written as UTF-8.
    """
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise ImageError(f"Folder {folder} {what}.", "Give a folder of images.")
    if is_ours(folder) and not holds_samples(folder):
        raise ImageError(
            f"Folder {folder} was written by l2laug.",
            "Give a folder of images; those that sample drew lie in RUN/samples.",
        )
    everything = find_images(folder)
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


def read_image(path: Path, size: int | None = None, channels: int | None = None) -> Pixels:
    """Read one image as uint8 ``(C, H, W)``.

    EXIF rotation is applied, transparency laid over white, 16 bits rounded to 8; then the largest
    centred square is resized to ``size`` (Lanczos) and turned to grey or RGB as ``channels`` says.
    Of an animation or a file with several pages it is the first one.

    Raises:
        ImageError: the file can't be read as an image.
    """
    try:
        image = _flatten(_open(path))
        if image.width < 2 or image.height < 2:
            raise ValueError(f"only {image.width}x{image.height} pixels")
        wanted = {1: "L", 3: "RGB", None: image.mode}[channels]
        image = image.convert(wanted)
        if size is not None and image.size != (size, size):
            image = ImageOps.fit(image, (size, size), Image.Resampling.LANCZOS)
        array = np.asarray(image, dtype=np.uint8)
    except Exception as error:  # Pillow's decoders raise almost anything on a damaged file
        told = error.strerror if isinstance(error, OSError) else None
        reason = (told or str(error) or type(error).__name__).replace(f" {str(path)!r}", "")
        raise ImageError(f"{path}: {reason.rstrip('.')}.", "Replace or remove it.") from error
    return array[None] if array.ndim == 2 else np.ascontiguousarray(array.transpose(2, 0, 1))


def _open(path: Path) -> Image.Image:
    """A picture the right way up, in any of Pillow's modes."""
    with Image.open(path) as opened:
        tiles = [_low_bytes(tile) for tile in opened.tile]
        image = ImageOps.exif_transpose(opened)
    if not all(tiles) or image.mode not in ("RGB", "RGBA") or "transparency" in image.info:
        return image
    with Image.open(path) as again:
        again.tile = [tile for tile in tiles if tile]
        low = np.asarray(ImageOps.exif_transpose(again), np.uint16)
    deep = np.asarray(image, np.uint16) * 256 + low
    return Image.fromarray(np.rint(deep / 257).astype(np.uint8))


def _low_bytes(tile: ImageFile._Tile) -> ImageFile._Tile | None:
    """The part of a 16-bit colour file that ``tile`` describes, with the bytes of a value swapped.

    Pillow has no mode for such pixels and keeps the high byte of each; read this way it keeps the
    low one. None for any other file.
    """
    first, *rest = tile.args if isinstance(tile.args, tuple) else (tile.args,)
    if not (match := DEEP.fullmatch(str(first))):
        return None
    order = match[2] if match[2] != "N" else "LB"[sys.byteorder == "big"]
    mode = f"{match[1]};16{'B' if order == 'L' else 'L'}"
    return tile._replace(args=(mode, *rest) if rest else mode)


def _flatten(image: Image.Image) -> Image.Image:
    """Any of Pillow's modes to plain 8-bit ``L`` or ``RGB``."""
    if image.mode == "F":
        raise ValueError("floating-point pixels, whose range is not known; save it as 8 or 16 bits")
    if image.mode.startswith("I"):
        wide = np.asarray(image).astype(np.int64)
        if wide.min() < 0 or wide.max() > 65535:
            raise ValueError("pixels outside 0 to 65535; save it as 8 or 16 bits")
        if 255 < wide.max() < 4096:  # of 10 or 12 bits, or nearly black: who can tell?
            raise ValueError(
                f"16-bit pixels that go to {wide.max()} only; stretch them to 65535 or save 8 bits"
            )
        narrow = np.rint(wide / 257) if wide.max() > 255 else wide
        return Image.fromarray(narrow.astype(np.uint8))
    if image.mode in ("LA", "PA", "RGBA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


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

    def read(item: tuple[str, Path]) -> Pixels | str:
        if on_file is not None:
            on_file()
        try:
            return read_image(item[1], size, channels)
        except ImageError as error:
            return error.fact.removeprefix(f"{item[1]}: ")

    with ThreadPoolExecutor() as pool, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's name no file; what matters is in ``skipped``
        results = list(pool.map(read, files))
    good = [(f, r) for f, r in zip(files, results, strict=True) if not isinstance(r, str)]
    bad = tuple((f[1], r) for f, r in zip(files, results, strict=True) if isinstance(r, str))
    if not good:
        named = "\n".join(f"  {path}: {reason}" for path, reason in bad)
        raise ImageError(f"None of the images can be read:\n{named}\n", "Replace them.")
    names = tuple(sorted({name for (name, _), _ in good}))
    return ImageSet(
        pixels=np.stack([pixels for _, pixels in good]),
        labels=np.array([names.index(name) for (name, _), _ in good], dtype=np.int64),
        classes=names,
        paths=tuple(path for (_, path), _ in good),
        skipped=bad,
    )


def to_picture(image: Pixels) -> Image.Image:
    """One uint8 image ``(C, H, W)`` as a Pillow image."""
    return Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0))
