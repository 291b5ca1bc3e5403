"""Small data sets as people keep them, made of plain pictures that all differ."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path

import numpy as np
from PIL import Image

from l2laug.core.errors import ImageError
from l2laug.data.datasets.read_dataset import read_dataset

SIZE = (40, 30)  # width and height
_numbers = count()


def picture(path: Path, size: tuple[int, int] = SIZE) -> Path:
    """A picture that no other call made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(next(_numbers))
    Image.fromarray(random.integers(0, 256, (size[1], size[0], 3), np.uint8)).save(path)
    return path


def mask(path: Path, size: tuple[int, int] = SIZE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.zeros((size[1], size[0]), np.uint8)
    values[4:10, 5:15] = 255
    Image.fromarray(values).save(path)
    return path


def class_folders(root: Path, counts: dict[str, int], size: tuple[int, int] = SIZE) -> Path:
    for name, number in counts.items():
        for i in range(number):
            picture(root / name / f"{i:03d}.png", size)
    return root


def mvtec(root: Path, defects: int = 4) -> Path:
    class_folders(root / "train", {"good": 4})
    class_folders(root / "test", {"good": 2, "scratch": defects})
    for i in range(defects):
        mask(root / "ground_truth" / "scratch" / f"{i:03d}_mask.png")
    return root


def coco(root: Path) -> Path:
    """Three images, two categories: boxes, a polygon, a run-length mask, keypoints."""
    for name in ("a", "b", "c"):
        picture(root / "train2017" / f"{name}.png")
    images = [
        {"id": n, "file_name": f"{name}.png", "width": SIZE[0], "height": SIZE[1], "licence": 7}
        for n, name in enumerate("abc")
    ]
    square = [5, 5, 15, 5, 15, 15, 5, 15]
    lengths = {"size": [SIZE[1], SIZE[0]], "counts": [0, 30, 1170]}
    annotations = [
        _annotation(1, 0, 3, [5, 5, 10, 10], segmentation=[square], score=0.5),
        _annotation(2, 0, 9, [0, 0, 1, 30], segmentation=lengths, iscrowd=1),
        _annotation(3, 1, 3, [2, 3, 4, 5], keypoints=[3, 4, 2, 0, 0, 0], num_keypoints=1),
    ]
    categories = [{"id": 3, "name": "bolt"}, {"id": 9, "name": "nut", "supercategory": "part"}]
    document = {"info": {"year": 2026}, "images": images, "annotations": annotations}
    path = root / "annotations" / "instances_train2017.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({**document, "categories": categories}))
    return path


def _annotation(number: int, image: int, category: int, box: list[int], **more: object) -> object:
    ids = {"id": number, "image_id": image, "category_id": category}
    return {**ids, "bbox": box, "area": box[2] * box[3], "iscrowd": 0, **more}


def yolo(root: Path) -> Path:
    for split, names in (("train", "ab"), ("val", "c")):
        for name in names:
            picture(root / "images" / split / f"{name}.png")
            label = root / "labels" / split / f"{name}.txt"
            label.parent.mkdir(parents=True, exist_ok=True)
            label.write_text("1 0.5 0.5 0.25 0.2\n")
    (root / "labels" / "train" / "b.txt").write_text("0 0.1 0.1 0.5 0.1 0.5 0.5\n")
    config = "path: ../elsewhere\ntrain: images/train\nval: images/val\nnames: {0: bolt, 1: nut}\n"
    (root / "data.yaml").write_text(config)
    return root


def voc(root: Path) -> Path:
    for name, label in (("a", "bolt"), ("b", "nut"), ("c", "nut")):
        picture(root / "JPEGImages" / f"{name}.png")
        xml = (
            f"<annotation><filename>{name}.png</filename><object><name>{label}</name>"
            "<difficult>1</difficult><bndbox><xmin>1</xmin><ymin>3</ymin><xmax>10</xmax>"
            "<ymax>20</ymax></bndbox></object></annotation>"
        )
        (root / "Annotations").mkdir(exist_ok=True)
        (root / "Annotations" / f"{name}.xml").write_text(xml)
    mask(root / "SegmentationClass" / "a.png")
    lists = root / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\nb\n")
    (lists / "val.txt").write_text("c\n")
    return root


def problems_of(place: Path, **given: Path) -> list[str]:
    """What is wrong with a data set: a line each."""
    try:
        read_dataset(place, **given)
    except ImageError as error:
        return str(error).splitlines()
    return []
