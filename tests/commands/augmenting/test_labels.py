"""augment from a data set to a better one: labels travel along, objects are measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from l2laug.classification.study import StudyData
from l2laug.commands.augmenting import object_crops
from l2laug.data.datasets.read_dataset import read_dataset
from tests.commands.augmenting.test_arms import entry
from tests.commands.conftest import Augment
from tests.data.datasets import trees


def disc(root: Path, number: int) -> None:
    """A picture of a disc, its mask, and a mask of three ids."""
    y, x = np.mgrid[:96, :128]
    inside = (y - 40 - number) ** 2 + (x - 60) ** 2 < 22**2
    picture = np.where(inside[..., None], (250, 240, 230), (10, 20, 30)).astype(np.uint8)
    for folder in ("a", "masks/a"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(root / "a" / f"{number}.png")
    Image.fromarray(inside.astype(np.uint8) * 255).save(root / "masks" / "a" / f"{number}.png")
    ids = inside.astype(np.uint8) + (x > 64)
    Image.fromarray(ids).save(root / "masks" / "a" / f"{number}_ids.png")


def test_masks_travel_along(augmented: Augment, tmp_path: Path) -> None:
    for number in range(6):
        disc(tmp_path / "set", number)
    trees.class_folders(tmp_path / "set", {"b": 106}, (8, 8))
    augmented(tmp_path / "set", rare=("a",), force="samples")
    out = tmp_path / "out"
    drawn = sorted((out / "a").glob("l2laug_*.png"))
    assert len(drawn) == 100
    moved = 0
    for path in drawn:
        mask = np.asarray(Image.open(out / "masks" / "a" / path.name))
        ids = np.asarray(Image.open(out / "masks" / "a" / f"{path.stem}_ids.png"))
        seen = np.asarray(Image.open(path)).mean(2) > 128
        assert set(np.unique(mask)) == {0, 255}
        assert set(np.unique(ids)) == {0, 1, 2}
        both, either = ((mask > 0) & seen).sum(), ((mask > 0) | seen).sum()
        assert both / either >= 0.97
        source = Image.open(out / "masks" / "a" / f"{int(path.stem[-6:]) % 6}.png")
        moved += (np.asarray(source) != mask).sum() > 50
    assert moved > 90
    again = read_dataset(out)  # with nothing wrong about its masks
    assert all(len(i.masks) == (2 if i.label == "a" else 0) for i in again.items)
    assert again.counts() == {"a": 106, "b": 106}


def test_samples_are_files_of_their_originals_kind(augmented: Augment, tmp_path: Path) -> None:
    (tmp_path / "set" / "a").mkdir(parents=True)
    for number in range(2):
        picture = Image.fromarray(np.full((24, 32, 3), 90 + 60 * number, np.uint8))
        picture.save(tmp_path / "set" / "a" / f"{number}.jpg", quality=90)
    trees.class_folders(tmp_path / "set", {"b": 8}, (8, 8))
    augmented(tmp_path / "set", to_count="8", rare=("a",), force="samples")
    drawn = sorted((tmp_path / "out" / "a").glob("l2laug_*"))
    assert [path.suffix for path in drawn] == [".jpg"] * 6
    with Image.open(drawn[0]) as image:
        assert (image.format, image.size) == ("JPEG", (32, 24))


def rectangles(root: Path) -> dict[str, tuple[int, int, int, int]]:
    """Pictures of one light rectangle each; left, top, right and bottom of each."""
    boxes = {}
    for i in range(4):
        box = (70 + 9 * i, 60 + 5 * i, 190 + 4 * i, 150 + 6 * i)
        picture = Image.new("RGB", (320, 240), (20, 30, 40))
        picture.paste((240, 230, 220), box)
        (root / "images" / "train").mkdir(parents=True, exist_ok=True)
        picture.save(root / "images" / "train" / f"{i}.png")
        boxes[f"{i}.png"] = box
    return boxes


def check_boxes(out: Path, told: dict[str, tuple[float, float, float, float]]) -> None:
    """Each new picture's box is that of its light pixels within 2 % of its sides."""
    assert len(told) == 16
    for name, box in told.items():
        light = np.asarray(Image.open(out / "images" / "train" / name))[..., 0] > 128
        rows, columns = (np.flatnonzero(light.any(axis)) for axis in (1, 0))
        seen = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
        sides = np.array([seen[2] - seen[0], seen[3] - seen[1]] * 2)
        assert (np.abs(np.subtract(box, seen)) <= 0.02 * sides).all(), (name, box, seen)


def test_boxes_of_a_coco_set_travel_along(augmented: Augment, tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    boxes = rectangles(tmp_path / "set")
    images = [{"id": i, "file_name": f"images/train/{name}"} for i, name in enumerate(boxes)]
    annotations = [
        {"id": i, "image_id": i, "category_id": 1, "bbox": [a, b, c - a, d - b], "area": 1}
        for i, (a, b, c, d) in enumerate(boxes.values())
    ]
    document = {"images": images, "annotations": annotations}
    document["categories"] = [{"id": 1, "name": "box"}]
    (tmp_path / "set" / "train.json").write_text(json.dumps(document))
    augmented(tmp_path / "set", to_count="20", rare=("box",), force="samples")
    api = coco.COCO(str(tmp_path / "out" / "train.json"))
    new = {}
    for told in api.loadAnns(api.getAnnIds(range(4, 20))):
        x, y, w, h = told["bbox"]
        new[Path(api.imgs[told["image_id"]]["file_name"]).name] = (x, y, x + w, y + h)
    check_boxes(tmp_path / "out", new)


def test_boxes_of_a_yolo_set_travel_along(augmented: Augment, tmp_path: Path) -> None:
    labels = tmp_path / "set" / "labels" / "train"
    labels.mkdir(parents=True)
    for name, (a, b, c, d) in rectangles(tmp_path / "set").items():
        x, y, w, h = (a + c) / 640, (b + d) / 480, (c - a) / 320, (d - b) / 240
        (labels / name).with_suffix(".txt").write_text(f"0 {x} {y} {w} {h}\n")
    (tmp_path / "set" / "data.yaml").write_text("train: images/train\nnames: [box]\n")
    augmented(tmp_path / "set", to_count="20", rare=("box",), force="samples")
    new = {}
    for path in (tmp_path / "out" / "labels" / "train").glob("l2laug_*.txt"):
        x, y, w, h = (float(word) for word in path.read_text().split()[1:])
        edges = 320 * (x - w / 2), 240 * (y - h / 2), 320 * (x + w / 2), 240 * (y + h / 2)
        new[f"{path.stem}.png"] = edges
    check_boxes(tmp_path / "out", new)


@pytest.mark.parametrize("layout", ["coco", "yolo", "voc"])
def test_objects_come_out_in_the_format_they_came_in(
    layout: str, augmented: Augment, tmp_path: Path
) -> None:
    root = tmp_path / "set"
    getattr(trees, layout)(root)
    before = read_dataset(root)
    result = augmented(root, to_count="4", rare=("bolt",), force="samples")
    after = read_dataset(tmp_path / "out")
    assert (after.layout, after.classes) == (before.layout, before.classes)
    new = [i for i in after.items if i.file.name.startswith("l2laug_")]
    assert result["added"] == len(new) > 0
    assert all("bolt" in i.labels and i.split == "train" for i in new)
    old = {i.file.stem: i.objects for i in before.items}
    for item in after.items:
        if item not in new:
            assert [o.box for o in item.objects] == [o.box for o in old[item.file.stem]]


def test_boxes_of_an_imagefolder_travel_along(augmented: Augment, tmp_path: Path) -> None:
    lines = []
    for name, (a, b, c, d) in rectangles(tmp_path / "set").items():
        objects = {"bbox": [[a, b, c - a, d - b]], "categories": ["box"], "id": [7]}
        lines.append(json.dumps({"file_name": f"images/train/{name}", "objects": objects}))
    (tmp_path / "set" / "metadata.jsonl").write_text("\n".join(lines))
    augmented(tmp_path / "set", to_count="20", rare=("box",), force="samples")
    told = (tmp_path / "out" / "metadata.jsonl").read_text().splitlines()
    assert told[:4] == lines
    new = {}
    for row in map(json.loads, told[4:]):
        [[x, y, w, h]] = row["objects"]["bbox"]
        assert (row["objects"]["categories"], row["objects"]["id"]) == (["box"], [7])
        new[Path(row["file_name"]).name] = (x, y, x + w, y + h)
    check_boxes(tmp_path / "out", new)


def test_of_objects_those_cut_out_are_measured(
    augmented: Augment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "set"
    for i in range(30):
        trees.picture(root / "images" / "train" / f"{i:02d}.png")
        (root / "labels" / "train").mkdir(parents=True, exist_ok=True)
        objects = "1 0.5 0.5 0.2 0.2\n" + "0 0.2 0.2 0.2 0.2\n0 0.7 0.7 0.2 0.2\n" * (i < 8)
        (root / "labels" / "train" / f"{i:02d}.txt").write_text(objects)
    (root / "data.yaml").write_text("train: images/train\nnames: [bolt, nut]\n")
    seen = []

    def classify(data: StudyData, *_: Any) -> list[dict[str, Any]]:
        seen.append(data)
        return [entry("probe", "helps")]

    monkeypatch.setattr(object_crops, "classify", classify)
    result = augmented(root, to_count="10", rare=("bolt",))
    [data] = seen
    assert data.train.classes == data.test.classes == ("bolt", "nut")
    assert np.bincount(data.test.labels).tolist() == [8, 4 + 6]  # four images with two bolts each
    assert len(data.samples) > 150  # nearly two in each of a hundred images
    assert result["added"] == 2
    assert result["classes"][0]["measured"]["word"] == "helps"


def test_common_objects_do_not_multiply(augmented: Augment, tmp_path: Path) -> None:
    root = tmp_path / "set"
    trees.yolo(root)
    label = root / "labels" / "train" / "b.txt"  # three nuts stand beside the only bolt
    label.write_text(label.read_text() + "1 0.3 0.3 0.1 0.1\n" * 3)
    for i in range(5):
        trees.picture(root / "images" / "train" / f"more{i}.png")
        (root / "labels" / "train" / f"more{i}.txt").write_text("1 0.5 0.5 0.2 0.2\n" * 4)
    result = augmented(root, to_count="6", rare=("bolt",), force="samples")
    nut = next(c for c in result["classes"] if c["name"] == "nut")
    assert nut["objects_before"] == 24
    assert nut["objects_after"] == 30  # two images with three each: a quarter more
    assert any("2 of 5 images drawn" in note for note in result["notes"])


def test_images_of_one_rare_class_count_for_another(augmented: Augment, tmp_path: Path) -> None:
    root = tmp_path / "set"
    for i in range(9):
        trees.picture(root / "images" / "train" / f"{i}.png")
        (root / "labels" / "train").mkdir(parents=True, exist_ok=True)
        objects = "2 0.5 0.5 0.2 0.2\n" if i > 2 else "0 0.3 0.3 0.2 0.2\n1 0.7 0.7 0.2 0.2\n"
        (root / "labels" / "train" / f"{i}.txt").write_text(objects)
    (root / "data.yaml").write_text("train: images/train\nnames: [bolt, nut, pin]\n")
    result = augmented(root, to_count="6", force="samples")
    assert result["added"] == 3  # each with a bolt and a nut
    assert [c["after"] for c in result["classes"]] == [6, 6, 6]
