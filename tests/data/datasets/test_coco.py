from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from l2laug.data.datasets.coco import write_coco
from l2laug.data.datasets.read_dataset import read_dataset
from tests.data.datasets import trees


def test_boxes_polygons_run_lengths_and_keypoints(tmp_path: Path) -> None:
    trees.coco(tmp_path / "set")
    found = read_dataset(tmp_path / "set")
    assert (found.layout, found.classes, found.splits) == ("coco", ("bolt", "nut"), ("train",))
    assert found.counts() == {"bolt": 2, "nut": 1}
    a, b, c = found.items
    bolt, nut = a.objects
    assert (bolt.box, bolt.extra) == ((5, 5, 15, 15), {"iscrowd": 0, "score": 0.5})
    assert bolt.polygons[0].tolist() == [[5, 5], [15, 5], [15, 15], [5, 15]]
    assert nut.rle is not None
    assert nut.rle.mask()[:, 0].all()
    assert not nut.rle.mask()[:, 1:].any()
    points = b.objects[0].keypoints
    assert points is not None
    assert points.tolist() == [[3, 4, 2], [0, 0, 0]]
    assert c.objects == ()


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools'
def test_written_again_it_is_read_by_pycocotools(tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    path, out = trees.coco(tmp_path / "set"), tmp_path / "out"
    found = read_dataset(tmp_path / "set")
    source = found.items[0]
    new = replace(
        source,
        file=trees.picture(out / "train2017" / "new.png", (80, 60)),
        objects=tuple(replace(o, box=(1, 2, 5, 8), polygons=(), rle=o.rle) for o in source.objects),
    )
    write_coco(found, [new], out)
    api = coco.COCO(str(out / "annotations" / path.name))
    before = coco.COCO(str(path))
    assert api.loadImgs([0, 1, 2]) == before.loadImgs([0, 1, 2])
    assert api.loadAnns([1, 2, 3]) == before.loadAnns([1, 2, 3])
    [drawn] = api.loadImgs([3])
    assert (drawn["file_name"], drawn["width"], drawn["licence"]) == ("new.png", 80, 7)
    bolt, nut = api.loadAnns(api.getAnnIds([3]))
    assert (bolt["bbox"], bolt["area"], bolt["score"]) == ([1, 2, 4, 6], 24, 0.5)
    assert np.asarray(api.annToMask({**nut, "image_id": 0})).sum() == 30
    assert api.dataset["info"] == {"year": 2026}


def test_all_that_is_wrong(tmp_path: Path) -> None:
    path = trees.coco(tmp_path / "set")
    document = json.loads(path.read_text())
    document["images"].append({"id": 8, "file_name": "gone.png"})
    annotations = document["annotations"]
    annotations[0]["category_id"] = 77
    annotations[1]["segmentation"]["counts"] = [1]
    annotations[2]["image_id"] = 99
    path.write_text(json.dumps(document))
    said = trees.problems_of(tmp_path / "set")
    for part in (
        "there is no image gone.png",
        "no category 77",
        "the run lengths don't fill 40 x 30 pixels",
        "no image 99",
    ):
        assert sum(part in line for line in said) == 1, (part, said)


def test_a_stray_byte(tmp_path: Path) -> None:
    path = trees.coco(tmp_path / "set")
    path.write_bytes(path.read_bytes().replace(b"bolt", b"b\xf6lt"))
    [said] = trees.problems_of(tmp_path / "set")
    assert "is not UTF-8" in said


def test_splits_are_told_by_words_of_names(tmp_path: Path) -> None:
    path = trees.coco(tmp_path / "set")
    document = json.loads(path.read_text())
    for name, folder in (("val2017", "val2017"), ("latest", "images")):
        trees.picture(tmp_path / "set" / folder / f"{name}.png")
        images = [{"id": 1, "file_name": f"{name}.png"}]
        more = {**document, "images": images, "annotations": []}
        path.with_name(f"instances_{name}.json").write_text(json.dumps(more))
    splits = {i.file.stem: i.split for i in read_dataset(tmp_path / "set").items}
    assert splits["val2017"] == "val"
    assert splits["latest"] == "train"  # there is a test in it, but not the word
    assert splits["a"] == "train"
