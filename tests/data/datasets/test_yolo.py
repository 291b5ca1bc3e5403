from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from l2laug.data.datasets.read_dataset import read_dataset
from l2laug.data.datasets.yolo import write_yolo
from tests.data.datasets import trees


def test_boxes_and_polygons(tmp_path: Path) -> None:
    found = read_dataset(trees.yolo(tmp_path))
    assert (found.layout, found.classes, found.splits) == (
        "yolo",
        ("bolt", "nut"),
        ("train", "val"),
    )
    assert found.counts() == {"bolt": 1, "nut": 1}
    a, b, c = sorted(found.items, key=lambda item: item.file.name)
    assert a.objects[0].box == pytest.approx((15, 12, 25, 18))
    assert b.objects[0].polygons[0].ravel() == pytest.approx([4, 3, 20, 3, 20, 15])
    assert b.objects[0].box == pytest.approx((4, 3, 20, 15))
    assert c.split == "val"


def test_keypoints(tmp_path: Path) -> None:
    trees.yolo(tmp_path)
    config = yaml.safe_load((tmp_path / "data.yaml").read_text()) | {"kpt_shape": [2, 3]}
    (tmp_path / "data.yaml").write_text(yaml.safe_dump(config))
    line = "1 0.5 0.5 0.25 0.2 0.5 0.5 2 0 0 0\n"
    (tmp_path / "labels" / "train" / "a.txt").write_text(line)
    found = read_dataset(tmp_path)
    points = found.items[0].objects[0].keypoints
    assert points is not None
    assert points.tolist() == [[20, 15, 2], [0, 0, 0]]
    out = tmp_path / "out"
    new = replace(found.items[0], file=trees.picture(out / "images" / "train" / "new.png"))
    write_yolo(found, [new], out)
    assert (out / "labels" / "train" / "new.txt").read_text() == line


def test_written_again_it_reads_the_same(tmp_path: Path) -> None:
    root, out = trees.yolo(tmp_path / "set"), tmp_path / "out"
    found = read_dataset(root)
    for item in found.items:
        trees.picture(out / item.file.relative_to(root))
    drawn = replace(found.items[0], file=trees.picture(out / "images" / "train" / "new.png"))
    write_yolo(found, [drawn], out)
    again = read_dataset(out)
    assert again.classes == found.classes
    boxes = {i.file.stem: [o.box for o in i.objects] for i in again.items}
    before = {i.file.stem: [o.box for o in i.objects] for i in found.items}
    assert boxes.pop("new")[0] == pytest.approx(before["a"][0], abs=0.01)
    assert boxes == before
    for name in ("a", "b"):
        label = Path("labels", "train", f"{name}.txt")
        assert (out / label).read_text() == (root / label).read_text()


def test_all_that_is_wrong(tmp_path: Path) -> None:
    root = trees.yolo(tmp_path)
    lines = "7 0.5 0.5 0.2 0.2\n1 0.5 nothing\n1 0.5 0.5\n"
    (root / "labels" / "train" / "a.txt").write_text(lines)
    (root / "labels" / "train" / "gone.txt").write_text("1 0.5 0.5 0.1 0.1\n")
    (root / "labels" / "val" / "c.txt").write_bytes(b"\xff")
    said = trees.problems_of(root)
    for part in (
        "a.txt, line 1: class 7 of 2",
        "a.txt, line 2: could not convert string to float",
        "a.txt, line 3: 2 numbers are neither",
        "gone.txt labels no image",
        "c.txt, line 1: byte 0xff is not UTF-8",
    ):
        assert sum(part in line for line in said) == 1, (part, said)
