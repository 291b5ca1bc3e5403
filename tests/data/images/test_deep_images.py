"""Pictures of 16 bits a channel: their values are rounded to 8 bits, in grey and in colour."""

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, features

from l2laug.core.errors import ImageError
from l2laug.data.images.image_io import read_image


def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    levels = np.array([[0, 257, 257 * 100], [257 * 200, 257 * 254, 65535]], np.uint16)
    path = tmp_path / "deep.png"
    Image.fromarray(levels).save(path)
    assert read_image(path).tolist() == [[[0, 1, 100], [200, 254, 255]]]


def test_sixteen_bits_are_rounded(tmp_path: Path) -> None:
    levels = np.array([[128, 129], [257 * 7 + 128, 257 * 7 + 129], [0, 65535]], np.uint16)
    path = tmp_path / "deep.png"
    Image.fromarray(levels).save(path)
    assert read_image(path).tolist() == [[[0, 1], [7, 8], [0, 255]]]  # half a level is 128.5


def test_twelve_bits_in_a_file_of_sixteen_are_rejected(tmp_path: Path) -> None:
    path = tmp_path / "deep.png"
    Image.fromarray(np.array([[0, 300], [2000, 4095]], np.uint16)).save(path)
    with pytest.raises(ImageError, match="go to 4095 only"):
        read_image(path)


def test_sixteen_bits_of_colour_are_rounded(tmp_path: Path) -> None:
    levels = [[[128, 129, 65535], [257 * 7 + 128, 257 * 7 + 129, 255]]] * 2
    path = deep_colour_png(tmp_path / "deep.png", np.array(levels))
    assert read_image(path)[:, 0].tolist() == [[0, 7], [1, 8], [255, 1]]


def deep_colour_png(path: Path, levels: np.ndarray) -> Path:
    """A PNG of 16 bits a channel, which Pillow can't write; ``(H, W, 3)`` in 0..65535."""
    height, width, _ = levels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in levels)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    with path.open("ab") as opened:
        for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
            opened.write(struct.pack(">I", len(data)) + kind + data)
            opened.write(struct.pack(">I", zlib.crc32(kind + data)))
    return path


@pytest.mark.parametrize("order", ["<", ">"])
def test_sixteen_bits_of_colour_in_a_tiff(tmp_path: Path, order: str) -> None:
    levels = np.array([[[129, 0, 257 * 200 + 129]] * 2] * 2)
    path = deep_colour_tiff(tmp_path / "deep.tif", levels, order)
    assert read_image(path)[:, 1, 1].tolist() == [1, 0, 201]


def deep_colour_tiff(path: Path, levels: np.ndarray, order: str) -> Path:
    """A TIFF of 16 bits a channel as TIFF 6.0, section 2 has it; ``(H, W, 3)`` in 0..65535."""
    height, width, channels = levels.shape
    data = levels.astype(f"{order}u2").tobytes()
    end = 8 + 2 + 10 * 12 + 4  # header, count, entries, no next directory
    short, long = 3, 4
    entries = [
        (256, short, 1, width),
        (257, short, 1, height),
        (258, short, channels, end),  # bits a sample, too long for the entry itself
        (259, short, 1, 1),  # no compression
        (262, short, 1, 2),  # RGB
        (273, long, 1, end + 6),  # where the pixels begin
        (277, short, 1, channels),
        (278, short, 1, height),  # rows in the one strip
        (279, long, 1, len(data)),
        (284, short, 1, 1),  # channels side by side
    ]
    packed = b"".join(
        struct.pack(f"{order}HHI", tag, kind, count)
        + struct.pack(f"{order}HH" if (kind, count) == (short, 1) else f"{order}I", *value)
        for tag, kind, count, number in entries
        for value in [(number, 0) if (kind, count) == (short, 1) else (number,)]
    )
    path.write_bytes(
        {"<": b"II*\0", ">": b"MM\0*"}[order]
        + struct.pack(f"{order}IH", 8, len(entries))
        + packed
        + struct.pack(f"{order}IHHH", 0, 16, 16, 16)
        + data
    )
    return path


@pytest.mark.parametrize("kind", ["float16", "float64"])
def test_floats_that_pillow_does_not_know(tmp_path: Path, kind: str) -> None:
    values = np.linspace(0, 1, 64).reshape(8, 8).astype(kind)
    tifffile.imwrite(tmp_path / "a.tif", values)
    assert np.abs(read_image(tmp_path / "a.tif")[0] - values.astype(float) * 255).max() <= 0.51


def test_signed_bytes_are_not_taken_for_unsigned_ones(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.full((8, 8), -3, np.int8))
    with pytest.raises(ImageError, match="pixels outside 0 to 65535"):
        read_image(tmp_path / "a.tif")


def test_colours_in_planes_are_colours(tmp_path: Path) -> None:
    planes = np.stack([np.full((8, 9), value, np.uint8) for value in (200, 100, 0)])
    tifffile.imwrite(tmp_path / "a.tif", planes, photometric="rgb", planarconfig="separate")
    assert read_image(tmp_path / "a.tif")[:, 3, 4].tolist() == [200, 100, 0]


def test_a_tiff_that_would_fill_the_memory_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tif"
    tifffile.imwrite(path, np.zeros((8, 8, 6), np.uint8), planarconfig="contig")
    with tifffile.TiffFile(path, mode="r+b") as file:
        for name in ("ImageWidth", "ImageLength"):
            file.pages.first.tags[name].overwrite(40_000)
    with pytest.raises(ImageError, match="9600000000 bytes"):
        read_image(path)


def test_heic_is_read_and_without_its_package_the_way_to_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    path = tmp_path / "phone.heic"
    red = Image.new("RGB", (64, 48), (200, 30, 30))
    pillow_heif.from_pillow(red).save(str(path), quality=100)
    found = read_image(path)
    assert found.shape == (3, 48, 64)
    assert np.abs(found.mean((1, 2)) - (200, 30, 30)).max() < 6
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ImageError, match=r"phone\.heic: HEIC needs .*l2laug\[heic\]"):
        read_image(path)


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow is without AVIF")
def test_avif_is_read(tmp_path: Path) -> None:
    Image.new("RGB", (20, 16), (10, 200, 90)).save(tmp_path / "a.avif", quality=100)
    assert np.abs(read_image(tmp_path / "a.avif").mean((1, 2)) - (10, 200, 90)).max() < 6
