"""Size and colour of a folder's images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from l2laug.core.errors import ImageError
from l2laug.data.images.image_stats import ImageStats, has_colour, image_stats


def saved(folder: Path, name: str, size: tuple[int, int], colour: object) -> Path:
    path = folder / name
    Image.new("RGB", size, colour).save(path)
    return path


@pytest.mark.parametrize(
    ("side", "size"), [(8, 32), (28, 32), (47, 32), (48, 48), (100, 96), (128, 128), (900, 128)]
)
def test_the_largest_size_that_the_images_have(side: int, size: int):
    assert ImageStats(side, colour=False).size == size


def test_the_median_of_the_shorter_sides(tmp_path: Path):
    sizes = [(40, 90), (300, 50), (700, 800)]
    files = [saved(tmp_path, f"{i}.png", s, "grey") for i, s in enumerate(sizes)]

    assert image_stats(files) == ImageStats(side=50, colour=False)


@pytest.mark.parametrize(("coloured", "channels"), [(0, 1), (1, 1), (2, 3), (20, 3)])
def test_a_stray_coloured_image_makes_no_colour_set(tmp_path: Path, coloured: int, channels: int):
    files = [
        saved(tmp_path, f"{i}.png", (9, 9), "red" if i < coloured else (90, 91, 92))
        for i in range(20)
    ]

    assert image_stats(files).channels == channels


def test_grey_saved_as_a_jpeg_in_colour_is_grey():
    noise = np.random.default_rng(0).integers(0, 256, (1, 16, 16), dtype=np.uint8)
    grey = np.repeat(noise, 3, 0)
    off = grey.copy()
    off[0] //= 2

    assert not has_colour(noise)
    assert not has_colour(grey)
    assert has_colour(off)


def test_what_can_not_be_read_is_passed_over_unless_it_is_all(tmp_path: Path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no image")

    assert image_stats([bad, saved(tmp_path, "good.png", (64, 64), "grey")]).side == 64
    with pytest.raises(ImageError, match=r"bad\.png"):
        image_stats([bad])
