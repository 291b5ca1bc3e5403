"""Folders of pictures: which are classes, which files count, and what can't be opened."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from l2laug.artifacts.output_folders import MARKERS
from l2laug.core.errors import ImageError
from l2laug.data.folders import class_folders, find_images
from l2laug.data.image_set import read_classes


def picture(path: Path, value: int = 100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (16, 16), value).save(path)
    return path


def names(classes: dict[str, list[Path]]) -> dict[str, list[str]]:
    return {name: [p.name for p in paths] for name, paths in classes.items()}


def test_images_directly_in_it_make_one_class_nested_ones_included(tmp_path: Path) -> None:
    folder = tmp_path / "scratch"
    picture(folder / "b.png")
    picture(folder / "a.png")
    picture(folder / "more" / "deep" / "c.png")
    (folder / "notes.txt").touch()
    assert names(class_folders(folder)) == {"scratch": ["a.png", "b.png", "c.png"]}


def test_subfolders_are_classes_and_those_below_them_are_not(tmp_path: Path) -> None:
    picture(tmp_path / "dog" / "1.png")
    picture(tmp_path / "cat" / "left" / "2.png")
    picture(tmp_path / "cat" / "right" / "1.png")
    (tmp_path / "bird").mkdir()
    found = class_folders(tmp_path)
    assert names(found) == {"cat": ["2.png", "1.png"], "dog": ["1.png"]}


def test_where_there_are_several_classes_a_stray_image_is_of_none(tmp_path: Path) -> None:
    picture(tmp_path / "cat" / "1.png")
    picture(tmp_path / "dog" / "1.png")
    picture(tmp_path / "stray.png")
    assert list(class_folders(tmp_path, several=True)) == ["cat", "dog"]
    assert list(class_folders(tmp_path)) == [tmp_path.name]
    assert list(class_folders(tmp_path / "cat", several=True)) == ["cat"]


@pytest.mark.parametrize("text", ["", '{"file": "cat/0.png", "support": "ab"}\n', '{"file": "ca'])
def test_samples_are_no_real_images(tmp_path: Path, text: str) -> None:
    picture(tmp_path / "cat" / "1.png")
    picture(tmp_path / "drawn" / "cat" / "2.png")
    picture(tmp_path / "cat" / "drawn" / "cat" / "3.png")
    for folder in (tmp_path / "drawn", tmp_path / "cat" / "drawn"):
        (folder / "manifest.jsonl").write_text(text)
    assert names(class_folders(tmp_path)) == {"cat": ["1.png"]}
    assert names(class_folders(tmp_path / "drawn")) == {"cat": ["2.png"]}  # given by name


@pytest.mark.parametrize("marks", MARKERS)
def test_pictures_of_runs_and_bundles_are_no_real_images(
    tmp_path: Path, marks: tuple[str, str]
) -> None:
    picture(tmp_path / "cat" / "1.png")
    picture(tmp_path / "l2laug-runs" / "cat" / "sheet.png")
    for mark in marks:
        (tmp_path / "l2laug-runs" / "cat" / mark).write_text("{}\n")
    assert names(class_folders(tmp_path)) == {"cat": ["1.png"]}
    with pytest.raises(ImageError, match="written by l2laug"):
        class_folders(tmp_path / "l2laug-runs" / "cat")


@pytest.mark.parametrize("text", ['{"audio": "1.wav"}\n', '{"file": "1.png"}\n', "1.png\n"])
def test_a_manifest_of_others_hides_nothing(tmp_path: Path, text: str) -> None:
    picture(tmp_path / "cat" / "1.png")
    (tmp_path / "cat" / "manifest.jsonl").write_text(text)
    (tmp_path / "cat" / "model.onnx").touch()
    assert names(class_folders(tmp_path)) == {"cat": ["1.png"]}


def test_unicode_names(tmp_path: Path) -> None:
    picture(tmp_path / "чашка" / "скол 1.png", 3)
    picture(tmp_path / "猫" / "é.png", 4)
    images = read_classes(class_folders(tmp_path), 32, 1)
    assert images.classes == ("чашка", "猫")
    assert images.pixels[:, 0, 0, 0].tolist() == [3, 4]


def test_hidden_files_and_folders_are_left_out(tmp_path: Path) -> None:
    folder = tmp_path / ".data" / "cats"  # the way there may be hidden
    for name in ("1.png", ".2.png", "._1.png", ".thumbs/1.png"):
        picture(folder / name)
    assert [p.name for p in find_images(folder)] == ["1.png"]


def test_the_current_folder_has_a_name_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture(tmp_path / "crack" / "1.png")
    monkeypatch.chdir(tmp_path / "crack")
    assert list(class_folders(Path())) == ["crack"]


def test_links_are_followed_but_not_round_in_circles(tmp_path: Path) -> None:
    picture(tmp_path / "store" / "cats" / "1.png", 3)
    (tmp_path / "classes").mkdir()
    (tmp_path / "classes" / "cat").symlink_to(tmp_path / "store" / "cats")
    (tmp_path / "store" / "cats" / "all").symlink_to(tmp_path / "classes")
    assert names(class_folders(tmp_path / "classes")) == {"cat": ["1.png"]}


def test_a_link_to_nowhere_is_named(tmp_path: Path) -> None:
    picture(tmp_path / "b.png", 11)
    (tmp_path / "a.png").symlink_to("nowhere.png")
    ((path, why),) = read_classes(class_folders(tmp_path), 32, 1).skipped
    assert (path.name, why) == ("a.png", "No such file or directory.")


def test_a_folder_that_may_not_be_opened_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(tmp_path / "open" / "1.png")
    (tmp_path / "closed").mkdir()
    real = os.scandir

    def scandir(path: Path) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(ImageError, match=r"closed can't be opened: Permission denied"):
        class_folders(tmp_path)


def test_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").touch()
    with pytest.raises(ImageError, match="No image in"):
        class_folders(tmp_path)


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="nowhere does not exist"):
        class_folders(tmp_path / "nowhere")


def test_a_file_in_place_of_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"a\.png is a file"):
        class_folders(picture(tmp_path / "a.png"))


def test_files_of_kinds_that_are_not_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "crack").mkdir()
    for name in ("a.npy", "b.npy", "c.DCM", "d.txt"):
        (tmp_path / "crack" / name).touch()
    there = r"There are 4 files \(2 .npy, 1 .dcm, 1 .txt\) of other kinds"
    with pytest.raises(ImageError, match=there):
        class_folders(tmp_path)
    picture(tmp_path / "crack" / "1.png")
    said: list[str] = []
    assert names(class_folders(tmp_path, say=said.append)) == {"crack": ["1.png"]}
    assert len(said) == 1
    assert "left out 3 files (2 .npy, 1 .dcm)" in said[0]
