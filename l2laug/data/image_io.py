"""The only door for pictures: folders of files to uint8 arrays and back, and the [-1, 1] rule."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile, ImageOps

from l2laug.core.arrays import Pixels
from l2laug.core.errors import ImageError

# How Pillow's decoders name colour of 16 bits a channel, of which it keeps the high bytes.
DEEP = re.compile("(RGB|RGBA|RGBX|RGBa);16([LBN])")


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


def to_picture(image: Pixels) -> Image.Image:
    """One uint8 image ``(C, H, W)`` as a Pillow image."""
    return Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0))
