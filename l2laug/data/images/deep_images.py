"""Pictures that Pillow reads in part: 16 bits a colour, many channels, planes apart, floats."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps

# How Pillow's decoders name colour of 16 bits a channel, of which it keeps the high bytes.
DEEP = re.compile("(RGB|RGBA|RGBX|RGBa);16([LBN])")
TIFF = (".tif", ".tiff")
USUAL = 4  # channels that Pillow reads


def deep_pixels(path: Path) -> NDArray[np.uint16] | None:
    """Colour of 16 bits a channel, the right way up, ``(H, W, 3 or 4)``; None for other files.

    Pillow keeps the high bytes of such files. Read again with the bytes swapped it keeps the low
    ones.
    """
    with Image.open(path) as opened:
        tiles = [_low_bytes(tile) for tile in opened.tile]
        if not tiles or not all(tiles):
            return None
        image = ImageOps.exif_transpose(opened)
    if image.mode not in ("RGB", "RGBA") or "transparency" in image.info:
        return None
    with Image.open(path) as again:
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


def many_channels(path: Path) -> NDArray[Any] | None:
    """A TIFF of more than four channels, or of channels in planes of their own, ``(H, W, C)``.

    None for any other file.

    Raises:
        ValueError: its pixels are of a type that can't be kept.
    """
    if path.suffix.lower() not in TIFF:
        return None
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            count, planar = page.samplesperpixel, page.planarconfig == 2
            if count <= USUAL and not (planar and count > 1):
                return None
            pixels = page.asarray()
    except tifffile.TiffFileError:
        return None  # Pillow may know better, or say what is wrong
    pixels = np.moveaxis(pixels, 0, -1) if planar else pixels
    if pixels.dtype.kind == "f":
        return pixels.astype(np.float32)
    if pixels.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"pixels of type {pixels.dtype}; save it as 8 or 16 bits or float")
    return np.ascontiguousarray(pixels)


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
