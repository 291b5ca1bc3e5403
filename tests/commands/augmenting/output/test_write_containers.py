"""Data sets in tars and Parquet, read by webdataset, datasets and tarfile: all of it, shuffled."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
import webdataset
from PIL import Image

from l2laug.core.errors import UsageError
from tests.cli.calls import contents
from tests.commands.augmenting.test_labels import disc, rectangles
from tests.commands.conftest import Augment
from tests.data.datasets import trees

# webdataset leaves closing its files to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def lines_of(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]


def rows_of(out: Path, tmp_path: Path, split: str = "train") -> datasets.Dataset:
    files = str(out / f"{split}-*.parquet")
    return datasets.load_dataset(
        "parquet", data_files=files, split="train", cache_dir=tmp_path / "c"
    )


def test_tars_hold_the_images_as_they_are(augmented: Augment, tmp_path: Path) -> None:
    root, out = tmp_path / "set", tmp_path / "out"
    for split, many in (("train", 20), ("test", 8)):
        trees.class_folders(root / split, {"a": 6, "b": many}, (8, 8))
    augmented(root, to_count="10", force="samples")
    plain = contents(out)
    augmented(root, to_count="10", force="samples", shards=12, overwrite=True)
    tars = {"train": ["train-000000.tar", "train-000001.tar", "train-000002.tar"]}
    tars["test"] = ["test-000000.tar", "test-000001.tar"]
    assert sorted(p.name for p in out.glob("*.tar")) == sorted([*tars["train"], *tars["test"]])
    seen: dict[str, list[Any]] = {}
    for split, names in tars.items():
        files = [str(out / name) for name in names]
        seen[split] = list(webdataset.WebDataset(files, shardshuffle=False).decode())
    labels = {split: Counter(one["cls"] for one in found) for split, found in seen.items()}
    assert labels == {"train": {0: 10, 1: 20}, "test": {0: 6, 1: 8}}
    real = [one for found in seen.values() for one in found if one["json"]["real"]]
    assert len(real) == 40
    lines = {line["file"]: line for line in lines_of(out)}
    assert len(lines) == 44
    for tar in out.glob("*.tar"):
        with tarfile.open(tar) as opened:
            for line in lines.values():
                if line["container"] == tar.name:
                    member = opened.extractfile(line["file"])
                    assert member is not None
                    if line["real"]:
                        assert member.read() == (root / line["source"]).read_bytes()
    drawn = {line["sha256"] for line in lines.values() if not line["real"]}
    before = {json.loads(line).get("sha256") for line in plain["manifest.jsonl"].splitlines()}
    assert len(drawn) == 4
    assert drawn <= before  # the same images as in folders
    order = [one["cls"] for one in seen["train"]]
    assert sorted(order) not in (order, order[::-1])  # shuffled
    assert {len(set(order[i : i + 12])) for i in (0, 12)} == {2}


def test_parquet_is_read_with_images_labels_and_masks(augmented: Augment, tmp_path: Path) -> None:
    for number in range(3):
        disc(tmp_path / "set", number)
    trees.class_folders(tmp_path / "set", {"b": 8}, (8, 8))
    augmented(tmp_path / "set", rare=("a",), to_count="6", force="samples", parquet=True, shards=9)
    out = tmp_path / "out"
    assert sorted(p.name for p in out.glob("*.parquet")) == [
        "train-000000.parquet",
        "train-000001.parquet",
    ]
    rows = rows_of(out, tmp_path)
    assert rows.features["label"].names == ["a", "b"]
    assert Counter(rows["label"]) == {0: 6, 1: 8}
    for row in rows:
        if row["label"]:
            assert row["masks"] == []
            continue
        mask, ids = (np.asarray(one) for one in row["masks"])
        light = np.asarray(row["image"]).mean(2) > 128
        assert ((mask > 0) & light).sum() / ((mask > 0) | light).sum() >= 0.97
        assert (set(np.unique(mask)), set(np.unique(ids))) == ({0, 255}, {0, 1, 2})
    assert sum(row["real"] for row in rows) == 11


def test_boxes_of_objects_are_in_tars_and_parquet(augmented: Augment, tmp_path: Path) -> None:
    root, out = tmp_path / "set", tmp_path / "out"
    (root / "labels" / "train").mkdir(parents=True)
    for name, (a, b, c, d) in rectangles(root).items():
        x, y, w, h = (a + c) / 640, (b + d) / 480, (c - a) / 320, (d - b) / 240
        (root / "labels" / "train" / name).with_suffix(".txt").write_text(f"0 {x} {y} {w} {h}\n")
    (root / "data.yaml").write_text("train: images/train\nnames: [box]\n")
    augmented(root, to_count="8", rare=("box",), force="samples", shards=5)
    told = {}
    for one in webdataset.WebDataset(sorted(map(str, out.glob("*.tar"))), shardshuffle=False):
        about = json.loads(one["json"])
        [shown] = about["objects"]
        assert shown["category"] == "box"
        assert "cls" not in one
        told[about["sha256"]] = shown["bbox"]
        check(Image.open(io.BytesIO(one["png"])), shown["bbox"])
    assert len(told) == 8
    shutil.rmtree(out)
    augmented(root, to_count="8", rare=("box",), force="samples", parquet=True)
    rows = rows_of(out, tmp_path)
    assert len(rows) == 8
    for row in rows:
        assert row["objects"]["categories"] == [0]
        check(row["image"], row["objects"]["bbox"][0])
        assert json.loads(row["annotations"])[0]["bbox"] == row["objects"]["bbox"][0]


def check(picture: Image.Image, box: list[float]) -> None:
    """A box, left, top, width and height, is that of the light pixels within 2 % of its sides."""
    light = np.asarray(picture.convert("L")) > 128
    rows, columns = (np.flatnonzero(light.any(axis)) for axis in (1, 0))
    seen = np.array([columns[0], rows[0], len(columns), len(rows)])
    assert (np.abs(seen - box) <= 0.02 * seen[[2, 3, 2, 3]]).all(), (box, seen)


def test_links_have_no_place_in_them(augmented: Augment, tmp_path: Path) -> None:
    root = trees.class_folders(tmp_path / "set", {"a": 3, "b": 9}, (8, 8))
    with pytest.raises(UsageError, match="no links"):
        augmented(root, link=True, shards=5)
    assert not (tmp_path / "out").exists()
