"""Contact sheets, pixel by pixel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from l2laug.data.images.contact_sheet import save_sheet


def flat(value: int, side: int = 32, channels: int = 1) -> np.ndarray:
    return np.full((channels, side, side), value, np.uint8)


def test_two_rows_with_one_given_image_each(tmp_path: Path) -> None:
    save_sheet(tmp_path / "s.png", [[flat(0), flat(50)], [flat(255)]], given=1)
    with Image.open(tmp_path / "s.png") as sheet:
        pixels = np.asarray(sheet)
    # Cells of 64 (32 enlarged twice), gaps of 2, and 6 more behind the given image.
    assert pixels.shape == (2 + 66 + 66, 2 + 66 + 66 + 6)
    assert (pixels[2:66, 2:66] == 0).all()
    assert (pixels[2:66, 74:138] == 50).all()
    assert (pixels[68:132, 2:66] == 255).all()
    assert (pixels != 128).sum() == 3 * 64 * 64  # and grey everywhere else


def test_large_colour_images_keep_their_size_and_place(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (3, 96, 96), dtype=np.uint8)
    save_sheet(tmp_path / "s.png", [[image, flat(9, 96, 3)]])
    with Image.open(tmp_path / "s.png") as sheet:
        pixels = np.asarray(sheet)
    assert pixels.shape == (2 + 98, 2 + 98 + 98, 3)
    assert (pixels[2:98, 2:98] == image.transpose(1, 2, 0)).all()
    assert (pixels[2:98, 100:196] == 9).all()
