"""Files are read back by Pillow, an encoder and decoder of others."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from l2laug.sampling.png import encode_png


def decoded(content: bytes) -> tuple[str, NDArray[Any]]:
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.format == "PNG"
        picture.load()  # checks the sums of all chunks
        return picture.mode, np.asarray(picture)


def smooth(shape: tuple[int, ...]) -> NDArray[np.float64]:
    y, x = np.mgrid[: shape[0], : shape[1]]
    return np.stack([np.sin(x / 19 + c) * np.cos(y / 23) / 2 + 0.5 for c in range(shape[2])], 2)


@pytest.mark.parametrize(
    ("shape", "kind", "mode"),
    [
        ((40, 50, 1), np.uint8, "L"),
        ((41, 30, 2), np.uint8, "LA"),
        ((300, 410, 3), np.uint8, "RGB"),
        ((33, 47, 4), np.uint8, "RGBA"),
        ((37, 50, 1), np.uint16, "I;16"),
        ((1, 1, 3), np.uint8, "RGB"),
        ((1, 700, 1), np.uint16, "I;16"),
    ],
)
@pytest.mark.parametrize("noisy", [False, True])
def test_pillow_reads_what_was_written(shape: Any, kind: Any, mode: str, noisy: bool) -> None:
    values = np.random.default_rng(0).random(shape) if noisy else smooth(shape)
    pixels = (values * np.iinfo(kind).max).astype(kind)

    found, read = decoded(encode_png(pixels))

    assert found == mode
    assert (read.reshape(shape) == pixels).all()


def test_views_that_are_not_contiguous_are_written_as_they_look() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)

    _, read = decoded(encode_png(pixels[::-2, 5::3]))

    assert (read == pixels[::-2, 5::3]).all()


def compressed_by_pillow(pixels: NDArray[np.uint8]) -> int:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=3)
    return len(buffer.getvalue())


def test_files_are_about_as_small_as_pillows() -> None:
    random = np.random.default_rng(0)
    camera = np.rint(smooth((300, 400, 3)) * 255 + random.normal(0, 4, (300, 400, 3)))
    photograph = camera.clip(0, 255).astype(np.uint8)
    grey = photograph[..., :1].repeat(3, 2)  # in colour, as radiographs often are
    drawing = np.where(smooth((300, 400, 3)) > 0.5, 255, 0).astype(np.uint8)
    for pixels in (photograph, grey, drawing):
        assert len(encode_png(pixels)) < 1.25 * compressed_by_pillow(pixels)


def test_small_files_are_about_as_small_as_pillows() -> None:
    random = np.random.default_rng(0)
    camera = np.rint(smooth((64, 64, 3)) * 255 + random.normal(0, 4, (64, 64, 3)))
    photograph = camera.clip(0, 255).astype(np.uint8)
    ink = np.where(smooth((32, 32, 3)) > 0.5, 255, 0).astype(np.uint8)
    for pixels in (photograph, ink):
        assert len(encode_png(pixels)) < 1.1 * compressed_by_pillow(pixels)


def test_a_flat_picture_takes_next_to_nothing() -> None:
    assert len(encode_png(np.full((500, 500, 3), 77, np.uint8))) < 5000


def test_a_colour_profile_is_kept() -> None:
    profile = bytes(range(256)) * 3

    with Image.open(io.BytesIO(encode_png(np.zeros((9, 9, 3), np.uint8), profile))) as picture:
        assert picture.info["icc_profile"] == profile
