"""Pictures that Pillow reads in part: 16 bits a colour, many channels, planes apart, floats.

And those that it reads with another package's help, HEIC.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

# How Pillow's decoders name colour of 16 bits a channel, of which it keeps the high bytes.
DEEP = re.compile("(RGB|RGBA|RGBX|RGBa);16([LBN])")
TIFF = (".tif", ".tiff")
USUAL = 4  # channels that Pillow reads
UNKNOWN = ("float16", "float64", "int8", "uint32", "int64", "uint64")  # to Pillow, or read wrongly
LARGEST = 2**31  # bytes of a picture's pixels; more is taken for a bomb, as Pillow does
HEIF = (".heic", ".heif")


def open_picture(path: Path) -> ImageFile.ImageFile:
    """Open a file with Pillow, which reads its header; to be closed.

    Raises:
        ValueError: it is HEIC, and the package for it is not installed.
    """
    if path.suffix.lower() in HEIF:
        try:
            import pillow_heif
        except ModuleNotFoundError:
            raise ValueError(
                "HEIC needs a package more: pip install 'l2laug[heic]', or save it as JPEG"
            ) from None
        pillow_heif.register_heif_opener()
    return Image.open(path)


def why_unreadable(path: Path, error: Exception) -> str:
    """Why a file can't be read, for a person; decoders raise almost anything on a damaged file."""
    told = error.strerror if isinstance(error, OSError) else None
    if isinstance(error, UnidentifiedImageError) and not path.stat().st_size:
        told = "the file is empty"
    elif isinstance(error, MemoryError):
        told = "not enough memory"
    reason = told or str(error) or type(error).__name__
    return f"{reason.replace(f' {str(path)!r}', '').rstrip('.')}."


def deep_pixels(path: Path) -> NDArray[np.uint16] | None:
    """Colour of 16 bits a channel, the right way up, ``(H, W, 3 or 4)``; None for other files.

    Pillow keeps the high bytes of such files. Read again with the bytes swapped it keeps the low
    ones.
    """
    with open_picture(path) as opened:
        tiles = [_low_bytes(tile) for tile in opened.tile]
        if not tiles or not all(tiles):
            return None
        image = ImageOps.exif_transpose(opened)
    if image.mode not in ("RGB", "RGBA") or "transparency" in image.info:
        return None
    with open_picture(path) as again:
        again.tile = [tile for tile in tiles if tile]
        low = np.asarray(ImageOps.exif_transpose(again), np.uint16)
    return np.asarray(image, np.uint16) * 256 + low


def _low_bytes(tile: ImageFile._Tile) -> ImageFile._Tile | None:
    """The part of a 16-bit colour file that ``tile`` describes, with the bytes of a value swapped.

    None for any other file.
    """
    first, *rest = tile.args if isinstance(tile.args, tuple) else (tile.args,)
    if not (match := DEEP.fullmatch(str(first))):
        return None
    order = match[2] if match[2] != "N" else "LB"[sys.byteorder == "big"]
    mode = f"{match[1]};16{'B' if order == 'L' else 'L'}"
    return tile._replace(args=(mode, *rest) if rest else mode)


def unusual_tiff(path: Path) -> NDArray[Any] | None:
    """A TIFF that Pillow does not read as it is: uint8, uint16 or float32 ``(H, W, C)``.

    It has more than four channels, or channels in planes of their own, or numbers of a type that
    Pillow does not know. None for any other file.

    Raises:
        ValueError: its pixels are of a type that can't be kept, or too many.
    """
    if path.suffix.lower() not in TIFF:
        return None
    try:
        with tifffile.TiffFile(path) as file:
            if not len(file.pages):
                raise ValueError("no picture in it")
            page = file.pages.first
            count, planar = page.samplesperpixel, page.planarconfig == 2
            kind = str(page.dtype)
            with_alpha = bool(set(page.extrasamples) & {1, 2})
            unknown = kind in UNKNOWN or (count == 2 and (kind != "uint8" or not with_alpha))
            unknown = unknown or (count > 1 and kind == "float32")
            if count <= USUAL and not (planar and count > 1) and not unknown:
                return None
            if count <= USUAL and page.photometric not in (1, 2):
                return None  # of grey and RGB alone it is plain what the numbers are
            if page.nbytes > LARGEST:
                raise ValueError(f"{page.nbytes} bytes of pixels, more than {LARGEST}")
            pixels = page.asarray()
    except tifffile.TiffFileError:
        return None  # Pillow may know better, or say what is wrong
    pixels = np.moveaxis(pixels, 0, -1) if planar and count > 1 else pixels
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3:
        raise ValueError(f"pixels in {pixels.ndim} dimensions; save one plane of them")
    if pixels.dtype.kind == "f":
        return pixels.astype(np.float32)
    return np.ascontiguousarray(narrow_integers(pixels))


def narrow_integers(values: NDArray[Any]) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Integers of 8 or 16 bits, as their values tell; those of 8 may be kept in wider ones.

    Raises:
        ValueError: what 1 stands for can't be told, or 16 bits are too few.
    """
    if values.dtype == np.uint8:
        return values.astype(np.uint8, copy=False)
    if values.dtype.kind not in "iu":
        raise ValueError(f"pixels of type {values.dtype}; save it as 8 or 16 bits or float")
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 65535:
        raise ValueError("pixels outside 0 to 65535; save it as 8 or 16 bits")
    if 255 < high < 4096:  # of 10 or 12 bits, or nearly black: who can tell?
        raise ValueError(
            f"16-bit pixels that go to {high} only; stretch them to 65535 or save 8 bits"
        )
    return values.astype(np.uint16) if high > 255 else values.astype(np.uint8)


def unit_floats(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], float, float]:
    """Floats in [0, 1], and what 0 and 1 stand for.

    Those that lie there stay as they are; of others the least becomes 0 and the largest 1.

    Raises:
        ValueError: some are no numbers.
    """
    if not np.isfinite(values).all():
        raise ValueError("pixels that are no numbers (NaN or infinite)")
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 1:
        return values.astype(np.float32), 0.0, 1.0
    return ((values - low) / max(high - low, 1e-12)).astype(np.float32), low, high
