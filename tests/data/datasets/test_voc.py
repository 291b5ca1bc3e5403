from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from l2laug.data.datasets.read_dataset import read_dataset
from l2laug.data.datasets.voc import write_voc
from tests.data.datasets import trees


def test_boxes_lists_and_masks(tmp_path: Path) -> None:
    found = read_dataset(trees.voc(tmp_path))
    assert (found.layout, found.classes, found.splits) == ("voc", ("bolt", "nut"), ("train", "val"))
    a, _, c = found.items
    assert a.objects[0].box == (0, 2, 10, 20)
    assert a.objects[0].extra == {"difficult": "1"}
    assert [m.beside("new").as_posix() for m in a.masks] == ["SegmentationClass/new.png"]
    assert c.split == "val"


def test_written_again_it_reads_the_same(tmp_path: Path) -> None:
    root, out = trees.voc(tmp_path / "set"), tmp_path / "out"
    shutil.copytree(root / "JPEGImages", out / "JPEGImages")
    shutil.copytree(root / "SegmentationClass", out / "SegmentationClass")
    found = read_dataset(root)
    new = replace(found.items[0], file=trees.picture(out / "JPEGImages" / "new.png"))
    write_voc(found, [new], out)
    again = read_dataset(out)
    assert [i.file.stem for i in again.of("train")] == ["a", "b", "new"]
    assert again.items[-1].objects == found.items[0].objects
    assert [i.objects for i in again.items[:3]] == [i.objects for i in found.items]


def test_all_that_is_wrong(tmp_path: Path) -> None:
    root = trees.voc(tmp_path)
    (root / "JPEGImages" / "b.png").unlink()
    xml = (root / "Annotations" / "a.xml").read_text()
    (root / "Annotations" / "a.xml").write_text(xml.replace("<xmin>1</xmin>", ""))
    (root / "Annotations" / "c.xml").write_text('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
    (root / "ImageSets" / "Main" / "test.txt").write_text("d\n")
    said = trees.problems_of(root)
    for part in (
        "b.xml: there is no image b",
        "a.xml, object 1: it lacks a name or a box",
        "c.xml can't be read: it declares entities",
        "lists d, which has no XML",
    ):
        assert sum(part in line for line in said) == 1, (part, said)
