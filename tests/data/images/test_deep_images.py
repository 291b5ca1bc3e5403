"""Pictures of 16 bits a channel: their values are rounded to 8 bits, in grey and in colour."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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
