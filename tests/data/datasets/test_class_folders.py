"""Class folders, splits and MVTec trees: roles, masks, and what is wrong with them."""

from __future__ import annotations

import shutil
from pathlib import Path

from l2laug.data.datasets.read_dataset import read_dataset
from tests.data.datasets import trees


def test_class_folders(tmp_path: Path) -> None:
    root = trees.class_folders(tmp_path / "set", {"cat": 3, "dog": 2})
    trees.picture(root / "stray.png")
    found = read_dataset(root)
    assert (found.layout, found.classes, found.splits) == ("folders", ("cat", "dog"), ("train",))
    assert found.counts() == {"cat": 3, "dog": 2}
    assert "1 images directly in" in found.notes[0]


def test_splits_are_told_by_their_names(tmp_path: Path) -> None:
    root = tmp_path / "set"
    for split, number in (("train", 3), ("valid", 2), ("Test", 1)):
        trees.class_folders(root / split, {"cat": number, "dog": number})
    found = read_dataset(root)
    assert (found.layout, found.splits) == ("splits", ("train", "test", "val"))
    assert [found.counts(s) for s in found.splits] == [
        {"cat": 3, "dog": 3},
        {"cat": 1, "dog": 1},
        {"cat": 2, "dog": 2},
    ]


def test_masks_in_folders_and_beside_their_images(tmp_path: Path) -> None:
    root = trees.class_folders(tmp_path / "set", {"cat": 2, "dog": 2})
    for i in range(2):
        trees.mask(root / "masks" / "cat" / f"{i:03d}.png")
        trees.mask(root / "masks" / "cat" / f"{i:03d}-eye.png")
        trees.mask(root / "dog" / f"{i:03d}_mask.png")
    found = read_dataset(root)
    assert found.counts() == {"cat": 2, "dog": 2}
    masks = {i.file.relative_to(root).as_posix(): i.masks for i in found.items}
    assert [m.beside("new").as_posix() for m in masks["cat/001.png"]] == [
        "masks/cat/new-eye.png",
        "masks/cat/new.png",
    ]
    assert [m.beside("new").as_posix() for m in masks["dog/000.png"]] == ["dog/new_mask.png"]


def test_a_class_whose_images_are_called_masks(tmp_path: Path) -> None:
    root = tmp_path / "set"
    for name in ("with_mask", "without_mask"):
        for i in range(2):
            trees.picture(root / name / f"{name}_{i}.png")
    assert read_dataset(root).counts() == {"with_mask": 2, "without_mask": 2}


def test_an_mvtec_tree(tmp_path: Path) -> None:
    root = trees.mvtec(tmp_path / "bottle", defects=5)
    found = read_dataset(root)
    assert (found.layout, found.classes) == ("mvtec", ("good", "scratch"))
    assert found.counts("train") == {"good": 4, "scratch": 3}
    assert found.counts("test") == {"good": 2, "scratch": 2}
    scratched = [i for i in found.items if i.label == "scratch"]
    assert [i.split for i in scratched] == ["train", "test", "train", "test", "train"]
    assert all(
        m.beside("x").as_posix() == "ground_truth/scratch/x_mask.png"
        for i in scratched
        for m in i.masks
    )
    assert all(len(i.masks) == 1 for i in scratched)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    root = trees.class_folders(tmp_path / "set", {"cat": 3, "Cat": 2, "dog": 2, "alone": 1})
    shutil.copy(root / "cat" / "000.png", root / "dog" / "copy.png")
    trees.mask(root / "masks" / "cat" / "000.png", (40, 31))
    trees.mask(root / "masks" / "cat" / "001.png")
    trees.mask(root / "masks" / "cat" / "009.png")
    (root / "dog" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (root / "dog" / "broken.png").write_text("no picture")
    said = trees.problems_of(root, out=root / "more")
    assert said[0].endswith("has 9 problems:")
    for part in (
        "-o " + str(root / "more"),
        "Mask " + str(root / "masks" / "cat" / "009.png") + " belongs to no image",
        str(root / "cat" / "002.png") + " has no mask",
        str(root / "dog" / "gone.png") + " is a link to nothing",
        "Classes Cat and cat are alike but for case",
        "Class alone has one image",
        "the same image in two classes, cat and dog",
        "is of 40x31 pixels, its image",
        str(root / "dog" / "broken.png") + " is no picture",
    ):
        assert sum(part in line for line in said) == 1, (part, said)


def test_an_image_to_learn_from_and_to_test_on(tmp_path: Path) -> None:
    root = tmp_path / "set"
    for split in ("train", "test"):
        trees.class_folders(root / split, {"cat": 2, "dog": 2})
    shutil.copy(root / "train" / "cat" / "000.png", root / "test" / "cat" / "twin.png")
    [said] = trees.problems_of(root)
    assert "the same image in" in said
    assert "Leave it in one" in said


def test_masks_of_defects_that_are_not_there(tmp_path: Path) -> None:
    root = trees.mvtec(tmp_path / "bottle")
    trees.mask(root / "ground_truth" / "hole" / "000_mask.png")
    (root / "ground_truth" / "scratch" / "002_mask.png").unlink()
    said = trees.problems_of(root)
    assert sum("hole/000_mask.png belongs to no image" in line for line in said) == 1
    assert sum("test/scratch/002.png has no mask" in line for line in said) == 1
