"""Tables of files and labels, and Hugging Face's imagefolder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from l2laug.data.datasets.read_dataset import read_dataset
from tests.data.datasets import trees


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for i in range(4):
        trees.picture(tmp_path / "set" / "pictures" / f"{i}.png")
    return tmp_path / "set"


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_csv(root: Path, mark: str) -> None:
    rows = [("File", "label", "group", "split", "camera")]
    rows += [(f"pictures/{i}.png", "ab"[i % 2], f"g{i}", "training", "k") for i in range(4)]
    (root / "all.csv").write_text("\n".join(mark.join(row) for row in rows))
    found = read_dataset(root)
    assert (found.layout, found.counts()) == ("table", {"a": 2, "b": 2})
    assert [i.group for i in found.items] == ["g0", "g1", "g2", "g3"]
    assert found.items[0].extra["camera"] == "k"
    assert read_dataset(root / "all.csv") == found


def test_a_jsonl_with_everything_wrong(root: Path) -> None:
    lines = [
        json.dumps({"file": "pictures/0.png", "label": "a"}),
        json.dumps({"file": "pictures/7.png", "label": "a"}),
        json.dumps({"file": "pictures/0.png", "label": "b"}),
        json.dumps({"file": "pictures/1.png", "label": ""}),
        "{",
    ]
    (root / "all.jsonl").write_text("\n".join(lines))
    said = trees.problems_of(root)
    for part in (
        "line 2: there is no",
        "line 3: " + str(root / "pictures/0.png") + " is in line 1 too",
        "same image in two classes, a and b",
        "line 4: " + str(root / "pictures/1.png") + " has no label",
        "line 5: Expecting property name",
        "Class a has one image",
        "Class b has one image",
    ):
        assert sum(part in line for line in said) == 1, (part, said)


def test_a_stray_byte(root: Path) -> None:
    (root / "all.csv").write_bytes(b"file,label\npictures/0.png,caf\xe9\n")
    [said] = trees.problems_of(root / "all.csv")
    assert "all.csv, line 2: byte 0xe9 is not UTF-8" in said


def test_imagefolder(tmp_path: Path) -> None:
    root = tmp_path / "set"
    for split in ("train", "test"):
        lines = []
        for i in range(4):
            trees.picture(root / split / f"{i}.png")
            lines.append(json.dumps({"file_name": f"{i}.png", "label": i % 2, "text": "x"}))
        (root / split / "metadata.jsonl").write_text("\n".join(lines))
    found = read_dataset(root)
    assert (found.layout, found.splits) == ("imagefolder", ("train", "test"))
    assert found.counts() == {"0": 2, "1": 2}
    assert found.items[0].extra["text"] == "x"


def test_imagefolder_with_boxes(tmp_path: Path) -> None:
    root = tmp_path / "set"
    trees.picture(root / "a.png")
    objects = {"bbox": [[1, 2, 10, 20]], "categories": ["bolt"], "id": [5]}
    line = json.dumps({"file_name": "a.png", "objects": objects})
    (root / "metadata.jsonl").write_text(line)
    found = read_dataset(root)
    assert found.of_objects
    assert found.items[0].objects[0].box == (1, 2, 11, 22)
    assert (found.classes, found.items[0].objects[0].extra) == (("bolt",), {"id": 5})


def test_imagefolder_with_masks(tmp_path: Path) -> None:
    root = tmp_path / "set"
    lines = []
    for i in range(2):
        trees.picture(root / "train" / f"{i}.png")
        trees.mask(root / "train" / "masks" / f"{i}_eye.png")
        row = {"file_name": f"{i}.png", "label": "a", "masks_file_names": [f"masks/{i}_eye.png"]}
        lines.append(json.dumps(row))
    (root / "train" / "metadata.jsonl").write_text("\n".join(lines))
    masks = [i.masks[0].beside("new").as_posix() for i in read_dataset(root).items]
    assert masks == ["train/masks/new_eye.png"] * 2
    (root / "train" / "masks" / "1_eye.png").unlink()
    [said] = trees.problems_of(root)
    assert "there is no mask" in said
