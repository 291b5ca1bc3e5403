"""Damaged files of every kind are read or turned down in words: a short run of the fuzzer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from l2laug.core.errors import ImageError
from l2laug.data.datasets.read_dataset import read_dataset
from tests.benchmarks.fuzz import fuzz
from tests.data.datasets import trees


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        ("images", 60),
        ("recipes", 40),
        ("bundles", 6),
        ("models", 12),
        ("manifests", 60),
        ("annotations", 40),
    ],
)
def test_nothing_but_words(kind: str, count: int) -> None:
    found = fuzz(kind, 1, range(count), quickly=True)
    assert [row for row in found if row[1] == "crashed"] == []
    assert len(found) == count
    seen = {row[1] for row in found}
    # Whether one of a dozen damaged models can still be read is chance.
    most = {"read"} if kind == "manifests" else {"read", "turned down"}
    assert seen <= most
    assert kind == "manifests" or "turned down" in seen


@pytest.mark.parametrize(
    ("key", "value"),
    [("images", [5]), ("categories", ["cat"]), ("annotations", None), ("images", [{"id": []}])],
)
def test_coco_of_other_things_is_turned_down(tmp_path: Path, key: str, value: object) -> None:
    path = trees.coco(tmp_path / "set")
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(ImageError, match="lacks lists of images"):
        read_dataset(path)


def test_annotations_name_no_files_outside_of_the_data_set(tmp_path: Path) -> None:
    trees.picture(tmp_path / "secret.png")
    for i in range(4):
        trees.picture(tmp_path / "set" / f"{i}.png")
    lines = "".join(f"{i}.png,{'ab'[i % 2]}\n" for i in range(4))
    for name in ("../secret.png", str(tmp_path / "secret.png")):
        (tmp_path / "set" / "labels.csv").write_text(f"file,label\n{lines}{name},a\n")
        with pytest.raises(ImageError, match="there is no "):
            read_dataset(tmp_path / "set")


def test_aliases_of_yaml_are_not_written_out(tmp_path: Path) -> None:
    config = trees.yolo(tmp_path / "set")
    file = next(path for path in (config, *config.rglob("*.yaml")) if path.suffix == ".yaml")
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    for level in range(1, 12):  # 9 to the 12th letters, were they written out
        names = ", ".join([f"*a{level - 1}"] * 9)
        bomb += f"a{level}: &a{level} [{names}]\n"
    for key in ("names", "train", "kpt_shape", "path"):
        file.write_text(f"{bomb}names: [a]\ntrain: images\n{key}: *a11\n")
        with pytest.raises(ImageError):
            read_dataset(file)
