"""Objects cut out of their images, as classifiers are measured on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from l2laug.commands.augmenting.object_crops import MOST, SIDE, crop_objects
from l2laug.data.datasets.dataset import Item, Object


def test_a_crop_holds_its_object(tmp_path: Path) -> None:
    pixels = np.zeros((100, 200, 3), np.uint8)
    pixels[20:60, 50:130] = (255, 0, 0)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    red = Object("red", (50, 20, 130, 60))
    crowd = Object("red", (0, 0, 9, 9), extra={"iscrowd": 1})
    outside = Object("far", (300, 300, 310, 310))
    found = crop_objects([Item(tmp_path / "a.png", None, objects=(red, crowd, outside))], 0)
    assert found.classes == ("far", "red")
    assert found.pixels.shape == (1, 3, SIDE, SIDE)
    inside = found.pixels[0, 0] > 128
    # a tenth of the box's sides around it: 80 of 96 pixels across, 40 of 48 down, and one more
    assert 0.64 < inside.mean() < 0.72
    assert not found.pixels[0, 1:].max()


def test_some_of_many(tmp_path: Path) -> None:
    Image.new("L", (50, 50)).save(tmp_path / "a.png")
    many = tuple(Object("dot", (i, 0, i + 4, 4)) for i in range(40))
    items = [Item(tmp_path / "a.png", None, objects=many)] * 10
    assert len(crop_objects(items, 0).pixels) == MOST
    assert len(crop_objects(items, 0, only="nothing").pixels) == 0
