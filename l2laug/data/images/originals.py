"""Originals: pictures at their own size, depth and channels, as changes are applied to them."""

from __future__ import annotations

import base64
import io
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from l2laug.core.errors import ImageError
from l2laug.data.images.deep_images import (
    LARGEST,
    deep_pixels,
    narrow_integers,
    open_picture,
    unit_floats,
    unusual_tiff,
    why_unreadable,
)

PLAIN = {"1": "L", "L": "L", "LA": "LA", "La": "LA", "RGB": "RGB", "RGBA": "RGBA", "RGBa": "RGBA"}
USUAL = (b"sRGB", "sRGB".encode("utf-16-be"))  # in profiles that say what is taken for granted
SPACES = {b"GRAY": 1, b"RGB ": 3}  # colours of a profile's space, as its header names it


@dataclass(frozen=True)
class Original:
    """One picture as its file has it.

    Attributes:
        pixels: ``(H, W, C)``, uint8 or uint16 over their whole range, or float32 in [0, 1].
        colours: how many channels are colours or bands; one more is alpha.
        low, high: what 0 and 1 stand for where the file holds floats.
        profile: the ICC profile that says what the colours mean; empty where they are sRGB's.
    """

    pixels: NDArray[Any]
    colours: int
    low: float = 0.0
    high: float = 1.0
    profile: bytes = b""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.pixels.shape[1], self.pixels.shape[0]

    def to_text(self) -> str:
        """The original as text, for the metadata of a model file: nothing is lost."""
        buffer = io.BytesIO()
        scale = np.array([self.low, self.high])
        if (picture := as_picture(self)) is not None:
            picture.save(buffer, "PNG", icc_profile=self.profile or None)
        else:
            np.savez_compressed(
                buffer,
                pixels=self.pixels,
                colours=self.colours,
                scale=scale,
                profile=np.frombuffer(self.profile, np.uint8),
            )
        return base64.b64encode(buffer.getvalue()).decode()

    @classmethod
    def from_text(cls, text: str) -> Original:
        """What :meth:`to_text` made.

        Raises:
            ValueError: it is something else, or larger than any original.
        """
        content = io.BytesIO(base64.b64decode(text, validate=True))
        if content.getvalue().startswith(b"\x89PNG"):
            with Image.open(content) as picture:
                return _with_profile(_of_picture(picture, exact=True), picture)
        with zipfile.ZipFile(content) as archive:
            if sum(part.file_size for part in archive.infolist()) > LARGEST:
                raise ValueError("larger than any original")
        with np.load(content, allow_pickle=False) as arrays:
            low, high = arrays["scale"].tolist()
            profile = arrays["profile"].tobytes() if "profile" in arrays else b""
            found = cls(arrays["pixels"], int(arrays["colours"]), low, high, profile)
        if not found.is_sound:
            raise ValueError("no pixels of an original")
        return found

    @property
    def is_sound(self) -> bool:
        """Whether the pixels are of a type, shape and number of colours that pictures have."""
        shape = self.pixels.shape
        typed = self.pixels.dtype in (np.uint8, np.uint16, np.float32)
        whole = len(shape) == 3 and min(shape) > 0
        return typed and whole and self.colours in (shape[2] - 1, shape[2])


def read_original(path: Path, max_side: int | None = None) -> Original:
    """Read a picture as it is: 8, 16 bits or float, grey, RGB, alpha or N channels.

    EXIF rotation is applied. Palettes, CMYK and the like become RGB, bilevel becomes grey. Of an
    animation or a file with several pages it is the first one.

    Args:
        path: the file.
        max_side: a longer one is reduced to this.

    Raises:
        ImageError: the file can't be read, or holds something that would have to be left out.
    """
    try:
        original = _read(path)
    except Exception as error:  # decoders raise almost anything on a damaged file
        raise ImageError(
            f"{path}: {why_unreadable(path, error)}", "Replace or remove it."
        ) from error
    return original if max_side is None else reduced(original, max_side)


def _read(path: Path) -> Original:
    if (bands := unusual_tiff(path)) is not None:
        return _of_array(bands)
    with open_picture(path) as opened:
        if (deep := deep_pixels(path)) is not None:
            return _with_profile(_of_array(deep), opened)
        return _with_profile(_of_picture(ImageOps.exif_transpose(opened)), opened)


def _with_profile(original: Original, opened: Image.Image) -> Original:
    """The original with its file's ICC profile, where that tells more than what is usual."""
    profile = opened.info.get("icc_profile") or b""
    fits = SPACES.get(profile[16:20]) == original.colours and profile[36:40] == b"acsp"
    if not fits or any(name in profile for name in USUAL):
        return original
    return replace(original, profile=profile)


def _of_picture(picture: Image.Image, *, exact: bool = False) -> Original:
    """Any of Pillow's modes; integers of 16 bits stay so if ``exact``, whatever their values."""
    if picture.mode == "F":
        return _of_array(np.asarray(picture, np.float32)[..., None])
    if picture.mode.startswith("I"):
        wide = np.asarray(picture)
        return Original((wide.astype(np.uint16) if exact else narrow_integers(wide))[..., None], 1)
    mode = PLAIN.get(picture.mode, "RGB")
    if picture.mode == "PA" or "transparency" in picture.info:
        mode = "RGBA"
    pixels = np.array(picture.convert(mode))
    return Original(pixels.reshape(*pixels.shape[:2], -1), 1 if mode in ("L", "LA") else 3)


def _of_array(values: NDArray[Any]) -> Original:
    """Integers as they are, floats brought to [0, 1]; three or four channels are RGB and alpha."""
    channels = values.shape[2]
    colours = 3 if channels == 4 else channels
    if values.dtype.kind != "f":
        return Original(np.ascontiguousarray(values), colours)
    scaled, low, high = unit_floats(values)
    return Original(scaled, colours, low, high)


def reduced(original: Original, max_side: int) -> Original:
    """The original with its longer side at most ``max_side``, proportions kept."""
    longest = max(original.size)
    if longest <= max_side:
        return original
    w, h = (max(1, round(side * max_side / longest)) for side in original.size)
    return replace(original, pixels=resized(original.pixels, w, h))


def resized(pixels: NDArray[Any], width: int, height: int) -> NDArray[Any]:
    """Pixels ``(H, W, C)`` of any type at another size (Lanczos)."""
    how = Image.Resampling.LANCZOS
    if pixels.dtype == np.uint8 and pixels.shape[2] in (1, 3):
        picture = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
        return np.asarray(picture.resize((width, height), how)).reshape(height, width, -1)
    planes = [
        np.asarray(Image.fromarray(plane.astype(np.float32)).resize((width, height), how))
        for plane in np.moveaxis(pixels, 2, 0)
    ]
    stacked = np.stack(planes, 2)
    top = 1.0 if pixels.dtype.kind == "f" else float(np.iinfo(pixels.dtype).max)
    clipped = np.clip(stacked, 0, top)
    found: NDArray[Any] = (clipped if top == 1.0 else np.rint(clipped)).astype(pixels.dtype)
    return found


def fits_picture(original: Original) -> bool:
    """Whether there is a Pillow picture that holds it and that PNG keeps whole."""
    kind, channels = original.pixels.dtype, original.pixels.shape[2]
    small = kind == np.uint8 and channels in (1, 2, 3, 4) and original.colours in (1, 3)
    return small or (kind == np.uint16 and channels == 1)


def as_picture(original: Original) -> Image.Image | None:
    """A Pillow picture that PNG keeps whole, or None where there is no such."""
    if not fits_picture(original):
        return None
    pixels = original.pixels
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
