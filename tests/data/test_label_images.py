"""Masks and thumbnails among images, as data sets have them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from l2laug.data.folders import class_folders


def photo(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    Image.fromarray(noise).save(path)


def mask(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.eye(16, dtype=np.uint8) * 255).save(path)


def found(folder: Path) -> tuple[dict[str, list[str]], list[str]]:
    said: list[str] = []
    classes = class_folders(folder, say=said.append)
    names = {c: [p.relative_to(folder).as_posix() for p in files] for c, files in classes.items()}
    return names, said


@pytest.mark.parametrize(
    "beside", ["masks/1.png", "masks/1_2.png", "ground_truth/1_mask.png", "1_mask.png", "1-seg.png"]
)
def test_masks_beside_images_are_no_images(tmp_path: Path, beside: str) -> None:
    photo(tmp_path / "scratch" / "1.png")
    mask(tmp_path / "scratch" / beside)
    folder = (tmp_path / "scratch" / beside).parent
    assert found(tmp_path / "scratch") == (
        {"scratch": ["1.png"]},
        [f"note: left out 1 masks in {folder}, such as {Path(beside).name}"],
    )
    assert found(tmp_path)[0] == {"scratch": ["scratch/1.png"]}


def test_an_mvtec_tree_has_no_class_ground_truth(tmp_path: Path) -> None:
    photo(tmp_path / "train" / "good" / "000.png")
    photo(tmp_path / "test" / "hole" / "000.png")
    mask(tmp_path / "ground_truth" / "hole" / "000_mask.png")
    assert set(found(tmp_path)[0]) == {"train", "test"}


def test_folders_images_and_masks_are_one_class_of_images(tmp_path: Path) -> None:
    photo(tmp_path / "images" / "1.jpg")
    mask(tmp_path / "masks" / "1.png")
    names, [line] = found(tmp_path)
    assert names == {"images": ["images/1.jpg"]}
    assert f"1 masks in {tmp_path / 'masks'}" in line


@pytest.mark.parametrize("name", ["Thumbs", "__MACOSX", "thumbnails"])
def test_thumbnails_are_no_images(tmp_path: Path, name: str) -> None:
    photo(tmp_path / "cat" / "1.png")
    photo(tmp_path / "cat" / name / "1.png")
    photo(tmp_path / "cat" / "1_thumb.png")
    names, said = found(tmp_path)
    assert names == {"cat": ["cat/1.png"]}
    assert len(said) == 2


def test_what_is_called_so_and_is_an_image_stays_one(tmp_path: Path) -> None:
    for i in range(3):
        photo(tmp_path / "cats" / f"{i}.png")
        photo(tmp_path / "masks" / f"{i}.png")  # of carnival
        photo(tmp_path / "people" / f"{i}_with_mask.png")
    names, said = found(tmp_path)
    assert {name: len(files) for name, files in names.items()} == {
        "cats": 3,
        "masks": 3,
        "people": 3,
    }
    assert said == []
    assert len(found(tmp_path / "masks")[0]["masks"]) == 3


def test_masks_of_nothing_are_images(tmp_path: Path) -> None:
    mask(tmp_path / "x" / "masks" / "1.png")
    assert found(tmp_path / "x") == ({"masks": ["masks/1.png"]}, [])
