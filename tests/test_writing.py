"""Samples on disk: class folders, names, the manifest, and never over what is there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from l2laug import writing
from l2laug.errors import OutputError
from l2laug.images import class_folders
from l2laug.progress import Progress
from l2laug.sampling import Sampler
from l2laug.writing import claim, write_samples

QUIET = Progress(quiet=True)


@pytest.fixture(scope="module")
def sampler(tiny_run: Path) -> Sampler:
    return Sampler(tiny_run / "model.onnx", device="cpu")


def manifest(out: Path) -> list[dict[str, Any]]:
    text = (out / "manifest.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_samples_lie_in_a_class_folder(sampler: Sampler, tmp_path: Path) -> None:
    written = write_samples(sampler, 35, tmp_path, 0, QUIET)
    assert (written.folder, written.class_name, written.count) == (tmp_path / "3", "3", 35)
    names = [p.name for p in class_folders(tmp_path)["3"]]
    assert names == [f"{i:06d}.png" for i in range(35)]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["3", "manifest.jsonl"]


def test_a_file_is_the_drawn_image(sampler: Sampler, tmp_path: Path) -> None:
    write_samples(sampler, 3, tmp_path, 4, QUIET)
    (drawn,) = sampler.draw(3, 4)
    for i in range(3):
        with Image.open(tmp_path / "3" / f"00000{i}.png") as image:
            assert image.mode == "L"
            assert (np.asarray(image) == drawn.pixels[i, 0]).all()


def test_the_manifest_has_one_line_a_file(sampler: Sampler, tiny_run: Path, tmp_path: Path) -> None:
    write_samples(sampler, 35, tmp_path, 9, QUIET)
    lines = manifest(tmp_path)
    model = hashlib.sha256((tiny_run / "model.onnx").read_bytes()).hexdigest()
    assert [line["file"] for line in lines] == [f"3/{i:06d}.png" for i in range(35)]
    assert [line["index"] for line in lines] == list(range(35))
    assert {(line["class"], line["seed"], line["model"]) for line in lines} == {("3", 9, model)}
    support = [line["support"] for line in lines]
    assert len(set(support[:5])) == 5
    assert support == support[:5] * 7  # five support images take turns


@pytest.mark.parametrize("stop", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_was_finished_before_a_stop_is_kept(
    sampler: Sampler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: BaseException
) -> None:
    monkeypatch.setattr(writing, "to_picture", failing_at(3, writing.to_picture, stop))
    with pytest.raises((OutputError, KeyboardInterrupt)):
        write_samples(sampler, 10, tmp_path, 0, QUIET)
    assert sorted(p.name for p in (tmp_path / "3").iterdir()) == ["000000.png", "000001.png"]
    assert [line["index"] for line in manifest(tmp_path)] == [0, 1]


def failing_at(call: int, function: Callable[..., Any], error: BaseException) -> Callable[..., Any]:
    calls = iter(range(1, 1000))

    def wrapped(*args: Any) -> Any:
        if next(calls) == call:
            raise error
        return function(*args)

    return wrapped


def test_a_new_or_empty_folder_may_be_used(tmp_path: Path) -> None:
    claim(tmp_path / "a" / "b", overwrite=False)
    assert (tmp_path / "a" / "b").is_dir()
    claim(tmp_path / "a" / "b", overwrite=False)


@pytest.mark.parametrize("name", ["folder", "file"])
def test_nothing_is_overwritten_unless_asked(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "keep.txt").write_text("precious")
    (tmp_path / "file").write_text("precious")
    with pytest.raises(OutputError, match="--overwrite"):
        claim(tmp_path / name, overwrite=False)
    assert (tmp_path / "folder" / "keep.txt").read_text() == "precious"
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.parametrize("name", ["folder", "file"])
def test_overwriting_leaves_nothing_of_the_old(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder" / "old").mkdir(parents=True)
    (tmp_path / "file").write_text("old")
    claim(tmp_path / name, overwrite=True)
    assert list((tmp_path / name).iterdir()) == []


def test_a_folder_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="can't be made"):
        claim(tmp_path / "file" / "below", overwrite=False)
