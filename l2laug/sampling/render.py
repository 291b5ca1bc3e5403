"""From a draw to the picture that is written: an original changed, or the model's own square."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

import numpy as np
import tifffile
from PIL import Image

from l2laug.core.arrays import Pixels
from l2laug.core.errors import UsageError
from l2laug.data.images.originals import Original, as_picture, fits_picture, resized
from l2laug.sampling.apply_change import apply_change
from l2laug.sampling.png import encode_png
from l2laug.sampling.sampler import Drawn, Sampler

FORMATS = ("png", "jpg", "webp")
QUALITY = 95
SIDES = (8, 4096)  # of the squares that can be asked for


@dataclass(frozen=True)
class PictureOptions:
    """How samples are written.

    Attributes:
        size: side of squares to write, 8 to 4096; None writes each at the size of its original.
        format: ``png``, ``jpg`` or ``webp``. What PNG can't hold (more than 8 bits a colour,
            floats, many channels) becomes TIFF in its place.
    """

    size: int | None = None
    format: str = "png"

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise UsageError(f"--format {self.format} is unknown.", f"Use {', '.join(FORMATS)}.")
        least, most = SIDES
        if self.size is not None and not least <= self.size <= most:
            raise UsageError(f"--size {self.size} is out of range.", f"Use {least} to {most}.")


def render(sampler: Sampler, drawn: Drawn, k: int, size: int | None = None) -> Original:
    """The picture of draw ``k``: its original changed, if the model holds it and tells a change.

    Args:
        sampler: the model.
        drawn: some draws of it.
        k: which of them.
        size: side of a square to squeeze it into; None keeps the original's size.
    """
    small = drawn.pixels[k]
    original = sampler.original(int(drawn.support[k])) if drawn.changes else None
    if original is None or drawn.changes is None or size == sampler.card.size:
        found = Original(np.moveaxis(small, 0, 2), len(small))
    else:
        pixels = apply_change(original.pixels, drawn.changes[k], original.colours)
        found = replace(original, pixels=pixels)
    if size is not None and found.size != (size, size):
        found = replace(found, pixels=resized(found.pixels, size, size))
    return found


def square(picture: Original, channels: int) -> Pixels:
    """A square picture as uint8 ``(C, S, S)`` for a contact sheet, transparency over white."""
    pixels = picture.pixels.astype(np.float32)
    pixels /= 1.0 if picture.pixels.dtype.kind == "f" else np.iinfo(picture.pixels.dtype).max
    colours = pixels[..., : picture.colours]
    if pixels.shape[2] == picture.colours + 1:
        colours = colours * pixels[..., -1:] + 1 - pixels[..., -1:]
    if picture.colours != channels:
        colours = np.repeat(colours.mean(2, keepdims=True), channels, 2)
    found: Pixels = np.rint(np.moveaxis(colours, 2, 0) * 255).astype(np.uint8)
    return found


def suffix_of(picture: Original, options: PictureOptions) -> str:
    """The ending of the file that a picture is written to.

    Raises:
        UsageError: the format that was asked for can't hold it.
    """
    if options.format == "png":
        return "png" if fits_picture(picture) else "tif"
    if picture.pixels.dtype != np.uint8 or not fits_picture(picture):
        raise UsageError(
            f"--format {options.format} can't hold {picture.pixels.dtype} images of "
            f"{picture.pixels.shape[2]} channels, which the originals are.",
            "Leave --format out.",
        )
    return options.format


def encode(picture: Original, options: PictureOptions) -> bytes:
    """The file's content; what the format can't hold is a TIFF, see :func:`suffix_of`."""
    buffer = io.BytesIO()
    suffix = suffix_of(picture, options)
    if suffix == "png":
        return encode_png(picture.pixels, picture.profile)
    plain = as_picture(picture)
    if suffix == "tif" or plain is None:
        _write_tiff(buffer, picture)
    elif suffix == "jpg":
        ground = _over_white(plain)
        ground.save(buffer, "JPEG", quality=QUALITY, icc_profile=picture.profile or None)
    else:
        plain.save(buffer, "WEBP", quality=QUALITY, icc_profile=picture.profile or b"")
    return buffer.getvalue()


def _over_white(picture: Image.Image) -> Image.Image:
    """JPEG has no transparency."""
    if not picture.has_transparency_data:
        return picture
    ground = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(ground, picture.convert("RGBA")).convert("RGB")


def _write_tiff(buffer: io.BytesIO, picture: Original) -> None:
    pixels, extra = picture.pixels, picture.pixels.shape[2] - picture.colours
    if pixels.dtype.kind == "f":
        pixels = (pixels * (picture.high - picture.low) + picture.low).astype(pixels.dtype)
    tifffile.imwrite(
        buffer,
        pixels[..., 0] if pixels.shape[2] == 1 else pixels,
        photometric="rgb" if picture.colours == 3 else "minisblack",
        planarconfig=None if pixels.shape[2] == 1 else "contig",
        extrasamples=["unassalpha"] * extra or None,
        compression="zlib",
        iccprofile=picture.profile or None,
        metadata=None,
    )
