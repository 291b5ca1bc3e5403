"""Originals come back as they were: written by numpy, Pillow or tifffile, read, kept as text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from l2laug.core.errors import ImageError
from l2laug.data.images import originals
from l2laug.data.images.image_io import read_image
from l2laug.data.images.originals import Original, read_original
from l2laug.sampling.render import PictureOptions, encode

RANDOM = np.random.default_rng(0)


def bytes_of(*shape: int) -> NDArray[np.uint8]:
    return RANDOM.integers(0, 256, shape).astype(np.uint8)


@pytest.mark.parametrize(
    ("name", "mode", "channels", "colours"),
    [
        ("a.png", "L", 1, 1),
        ("a.png", "LA", 2, 1),
        ("a.png", "RGB", 3, 3),
        ("a.png", "RGBA", 4, 3),
        ("a.bmp", "RGB", 3, 3),
        ("a.tif", "RGB", 3, 3),
        ("a.webp", "RGB", 3, 3),
    ],
)
def test_eight_bits(tmp_path: Path, name: str, mode: str, channels: int, colours: int) -> None:
    pixels = bytes_of(30, 50, channels)
    picture = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    picture.save(tmp_path / name, **({"lossless": True} if name.endswith("webp") else {}))
    assert picture.mode == mode
    found = read_original(tmp_path / name)
    assert (found.colours, found.size) == (colours, (50, 30))
    assert np.array_equal(found.pixels, pixels)
    assert np.array_equal(Original.from_text(found.to_text()).pixels, pixels)


def test_sixteen_bits_grey_and_colour(tmp_path: Path) -> None:
    grey = RANDOM.integers(0, 65536, (20, 30)).astype(np.uint16)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    colour = RANDOM.integers(0, 65536, (20, 30, 3)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "colour.tif", colour, photometric="rgb")
    for name, pixels in (("grey.png", grey[..., None]), ("colour.tif", colour)):
        found = read_original(tmp_path / name)
        assert found.pixels.dtype == np.uint16
        assert np.array_equal(found.pixels, pixels)
        assert np.array_equal(Original.from_text(found.to_text()).pixels, pixels)


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_six_channels_are_six(tmp_path: Path, planar: Any) -> None:
    bands = bytes_of(24, 18, 6)
    stored = np.moveaxis(bands, 2, 0) if planar == "separate" else bands
    tifffile.imwrite(tmp_path / "six.tif", stored, photometric="minisblack", planarconfig=planar)
    found = read_original(tmp_path / "six.tif")
    assert found.colours == 6
    assert np.array_equal(found.pixels, bands)
    seen = read_image(tmp_path / "six.tif")  # what the model sees: their mean
    assert np.abs(seen[0] - bands.mean(2)).max() <= 0.5


def test_floats_keep_their_range(tmp_path: Path) -> None:
    values = RANDOM.normal(300, 50, (16, 20)).astype(np.float32)
    tifffile.imwrite(tmp_path / "float.tif", values)
    found = read_original(tmp_path / "float.tif")
    back = found.pixels[..., 0] * (found.high - found.low) + found.low
    assert np.abs(back - values).max() < 1e-3
    again = Original.from_text(found.to_text())
    assert (again.low, again.high) == (found.low, found.high)
    assert read_image(tmp_path / "float.tif").min() == 0
    assert read_image(tmp_path / "float.tif").max() == 255


def test_no_numbers_are_named(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "nan.tif", np.full((8, 8), np.nan, np.float32))
    with pytest.raises(ImageError, match=r"nan\.tif: pixels that are no numbers"):
        read_original(tmp_path / "nan.tif")


def test_a_palette_with_transparency_is_rgba(tmp_path: Path) -> None:
    picture = Image.new("P", (4, 4), 0)
    picture.putpalette([255, 0, 0, 0, 255, 0])
    picture.putpixel((1, 2), 1)
    picture.save(tmp_path / "p.png", transparency=0)
    found = read_original(tmp_path / "p.png")
    assert found.pixels[2, 1].tolist() == [0, 255, 0, 255]
    assert found.pixels[0, 0, 3] == 0


def test_a_long_side_is_reduced_with_its_proportions(tmp_path: Path) -> None:
    Image.fromarray(bytes_of(120, 400, 3)).save(tmp_path / "wide.png")
    assert read_original(tmp_path / "wide.png", max_side=200).size == (200, 60)
    assert read_original(tmp_path / "wide.png", max_side=400).size == (400, 120)


def test_a_phone_photograph_is_the_right_way_up(tmp_path: Path) -> None:
    pixels = np.zeros((20, 10, 3), np.uint8)
    pixels[0] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    Image.fromarray(pixels).save(tmp_path / "phone.png", exif=exif)
    found = read_original(tmp_path / "phone.png")
    assert found.size == (20, 10)
    assert found.pixels[:, -1].min() == 255


def test_a_damaged_file_is_named_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(ImageError, match=r"cut\.png: "):
        read_original(tmp_path / "cut.png")


def test_eight_bits_in_a_file_of_sixteen_or_more_are_eight(tmp_path: Path) -> None:
    values = bytes_of(12, 14)
    Image.fromarray(values.astype(np.uint16)).save(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "a.tif", values.astype(np.uint32))
    for name in ("a.png", "a.tif"):
        found = read_original(tmp_path / name)
        assert found.pixels.dtype == np.uint8
        assert np.array_equal(found.pixels[..., 0], values)
        assert np.array_equal(read_image(tmp_path / name)[0], values)


def test_sixteen_bits_stay_so_in_a_model_file_however_dark() -> None:
    dark = Original(np.full((4, 4, 1), 300, np.uint16), 1)
    assert np.array_equal(Original.from_text(dark.to_text()).pixels, dark.pixels)


def profile_of(space: bytes, name: bytes) -> bytes:
    """The head of an ICC profile (ICC.1:2022, 7.2) and a name, no whole one."""
    return bytes(16) + space + bytes(16) + b"acsp" + bytes(88) + name


@pytest.mark.parametrize(
    ("profile", "kept"),
    [
        (profile_of(b"RGB ", b"Display P3"), True),
        (profile_of(b"RGB ", b"sRGB IEC61966-2.1"), False),
        (profile_of(b"CMYK", b"Coated"), False),
        (b"rubbish", False),
    ],
)
def test_a_colour_profile_stays_where_it_says_something(
    tmp_path: Path, profile: bytes, kept: bool
) -> None:
    Image.fromarray(bytes_of(8, 8, 3)).save(tmp_path / "a.png", icc_profile=profile)
    found = read_original(tmp_path / "a.png")
    assert found.profile == (profile if kept else b"")
    assert Original.from_text(found.to_text()).profile == found.profile
    for kind in ("png", "jpg", "webp"):
        (tmp_path / "b").write_bytes(encode(found, PictureOptions(format=kind)))
        with Image.open(tmp_path / "b") as written:
            assert written.info.get("icc_profile", b"") == found.profile


def test_what_swells_when_it_is_unpacked_is_no_original(monkeypatch: pytest.MonkeyPatch) -> None:
    text = Original(np.zeros((50, 50, 6), np.uint8), 6).to_text()
    monkeypatch.setattr(originals, "LARGEST", 5000)
    with pytest.raises(ValueError, match="larger than any original"):
        Original.from_text(text)


@pytest.mark.parametrize(
    ("shape", "kind"),
    [((4, 4, 7, 1), "u4"), ((0, 4, 5), "u1"), ((4, 4, 5), "u1"), ((4, 4, 3), "i4")],
)
def test_arrays_of_other_shapes_or_types_are_no_originals(
    shape: tuple[int, ...], kind: str
) -> None:
    text = Original(np.zeros(shape, kind), 3).to_text()
    with pytest.raises(ValueError, match="no pixels of an original"):
        Original.from_text(text)
