"""The only door for pictures: folders of files to uint8 arrays and back, and the [-1, 1] rule."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from l2laug.core.arrays import Pixels
from l2laug.core.errors import ImageError
from l2laug.data.images.deep_images import (
    deep_pixels,
    narrow_integers,
    open_picture,
    unit_floats,
    unusual_tiff,
    why_unreadable,
)


def read_image(path: Path, size: int | None = None, channels: int | None = None) -> Pixels:
    """Read one image as uint8 ``(C, H, W)``.

    EXIF rotation is applied, transparency laid over white, 16 bits and floats brought to 8, more
    than four channels to their mean; then the whole picture is squeezed into a square of ``size``
    (Lanczos) and turned to grey or RGB as ``channels`` says.
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
            image = image.resize((size, size), Image.Resampling.LANCZOS)
        array = np.asarray(image, dtype=np.uint8)
    except Exception as error:  # Pillow's decoders raise almost anything on a damaged file
        raise ImageError(
            f"{path}: {why_unreadable(path, error)}", "Replace or remove it."
        ) from error
    return array[None] if array.ndim == 2 else np.ascontiguousarray(array.transpose(2, 0, 1))


def _open(path: Path) -> Image.Image:
    """A picture the right way up, in any of Pillow's modes."""
    if (bands := unusual_tiff(path)) is not None:
        scaled = bands if bands.dtype != np.float32 else unit_floats(bands)[0] * 255
        top = 65535 if bands.dtype == np.uint16 else 255
        if bands.shape[2] in (3, 4):
            return Image.fromarray(np.rint(scaled * (255 / top)).astype(np.uint8))
        grey = scaled.astype(np.float64).mean(2) * (255 / top)
        return Image.fromarray(np.rint(grey).astype(np.uint8))
    if (deep := deep_pixels(path)) is not None:
        return Image.fromarray(np.rint(deep / 257).astype(np.uint8))
    with open_picture(path) as opened:
        return ImageOps.exif_transpose(opened)


def _flatten(image: Image.Image) -> Image.Image:
    """Any of Pillow's modes to plain 8-bit ``L`` or ``RGB``."""
    if image.mode == "F":
        scaled = unit_floats(np.asarray(image, np.float32))[0]
        return Image.fromarray(np.rint(scaled * 255).astype(np.uint8))
    if image.mode.startswith("I"):
        values = narrow_integers(np.asarray(image))
        narrow = np.rint(values / 257) if values.dtype == np.uint16 else values
        return Image.fromarray(narrow.astype(np.uint8))
    if image.mode in ("LA", "PA", "RGBA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def to_picture(image: Pixels) -> Image.Image:
    """One uint8 image ``(C, H, W)`` as a Pillow image."""
    return Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0))
