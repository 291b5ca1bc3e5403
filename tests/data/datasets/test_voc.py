from __future__ import annotations

import shutil
import xml.etree.ElementTree as ET
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


def test_parts_points_and_what_is_nested_are_kept(tmp_path: Path) -> None:
    root, out = trees.voc(tmp_path / "set"), tmp_path / "out"
    path = root / "Annotations" / "a.xml"
    box = "<bndbox><xmin>3</xmin><ymin>4</ymin><xmax>6</xmax><ymax>7</ymax></bndbox>"
    inside = (
        "<point><x>4</x><y>5</y></point><actions><running>0</running><walking>1</walking></actions>"
        f"<part><name>head</name>{box}</part></object>"
    )
    path.write_text(path.read_text().replace("</object>", inside))
    found = read_dataset(root)
    [bolt] = found.items[0].objects
    assert [(p.label, p.box) for p in bolt.parts] == [("head", (2, 3, 6, 7))]
    assert bolt.keypoints is not None
    assert bolt.keypoints.tolist() == [[3.5, 4.5, 2]]  # the fourth pixel's centre, and the fifth's
    assert found.classes == ("bolt", "nut")
    new = replace(found.items[0], file=trees.picture(out / "JPEGImages" / "new.png"))
    write_voc(found, [new], out)
    told = ET.parse(out / "Annotations" / "new.xml").getroot()  # noqa: S314 # written just now
    [shown] = told.findall("object")
    assert (shown.findtext("part/name"), shown.findtext("part/bndbox/xmin")) == ("head", "3")
    assert (shown.findtext("actions/walking"), shown.findtext("point/y")) == ("1", "5")


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
