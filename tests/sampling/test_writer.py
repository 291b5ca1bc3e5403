"""Samples on disk: class folders, names, the manifest, and never over what is there."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from l2laug.artifacts.output_folders import check_free, claim
from l2laug.core.errors import OutputError
from l2laug.core.progress import Progress
from l2laug.data.folders import class_folders
from l2laug.sampling import writer as writing
from l2laug.sampling.sampler import Sampler
from l2laug.sampling.writer import write_samples

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
    assert sorted(p.name for p in tmp_path.iterdir()) == ["3", "manifest.jsonl", "metadata.jsonl"]


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
    monkeypatch.setattr(writing, "whole_file", failing_at(3, writing.whole_file, stop))
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


# --- going on after a stop -----------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(sampler: Sampler, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a sampling of 36 images that was never stopped leaves."""
    out = tmp_path_factory.mktemp("whole")
    write_samples(sampler, 36, out, 5, QUIET)
    return contents(out)


def contents(out: Path) -> dict[str, bytes]:
    return {str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file()}


def lay_out(files: dict[str, bytes], out: Path) -> None:
    for name, content in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(content)


def kill_between_picture_and_line(out: Path) -> None:
    text = (out / "manifest.jsonl").read_bytes().splitlines(keepends=True)
    (out / "manifest.jsonl").write_bytes(b"".join(text[:33]))
    (out / "3" / "000035.png").unlink()


def kill_within_a_line(out: Path) -> None:
    text = (out / "manifest.jsonl").read_bytes().splitlines(keepends=True)
    (out / "manifest.jsonl").write_bytes(b"".join(text[:33]) + text[33][:40])


def kill_before_anything(out: Path) -> None:
    (out / "manifest.jsonl").write_bytes(b"")
    shutil.rmtree(out / "3")


def lose_a_picture(out: Path) -> None:
    (out / "3" / "000034.png").unlink()


def tear_a_picture(out: Path) -> None:
    path = out / "3" / "000033.png"
    path.write_bytes(path.read_bytes()[:-20])


def lose_nothing(_: Path) -> None: ...


@pytest.mark.parametrize(
    "harm",
    [
        kill_between_picture_and_line,
        kill_within_a_line,
        kill_before_anything,
        lose_a_picture,
        tear_a_picture,
        lose_nothing,
    ],
)
def test_resumed_samples_are_those_of_a_sampling_never_stopped(
    sampler: Sampler, whole: dict[str, bytes], tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    lay_out(whole, tmp_path)
    harm(tmp_path)
    write_samples(sampler, 36, tmp_path, 5, QUIET, resume=True)
    assert contents(tmp_path) == whole


def test_a_finished_picture_is_not_drawn_again(
    sampler: Sampler, whole: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_out(whole, tmp_path)
    (tmp_path / "3" / "000034.png").unlink()
    wanted = []
    real = sampler.draw
    monkeypatch.setattr(sampler, "draw", lambda *a: wanted.append(a) or real(*a))
    write_samples(sampler, 36, tmp_path, 5, QUIET, resume=True)
    assert wanted == [(2, 5, 34)]


def test_resuming_with_a_larger_count_draws_more(
    sampler: Sampler, whole: dict[str, bytes], tmp_path: Path
) -> None:
    first = write_samples(sampler, 2, tmp_path, 5, QUIET)
    written = write_samples(sampler, 36, tmp_path, 5, QUIET, resume=True)
    assert contents(tmp_path) == whole
    rejected = [line["tries"] - line["accepted"] for line in manifest(tmp_path)]
    assert (first.rejected, written.rejected) == (sum(rejected[:2]), sum(rejected))


@pytest.mark.parametrize(
    ("seed", "count", "said"),
    [(6, 36, "another model, seed, size, format or precision"), (5, 3, "-n 3")],
)
def test_samples_that_were_begun_otherwise_are_left_alone(
    sampler: Sampler, whole: dict[str, bytes], tmp_path: Path, seed: int, count: int, said: str
) -> None:
    lay_out(whole, tmp_path)
    with pytest.raises(OutputError, match=said):
        write_samples(sampler, count, tmp_path, seed, QUIET, resume=True)
    assert contents(tmp_path) == whole


def test_a_folder_of_other_things_is_not_resumed(sampler: Sampler, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(OutputError, match="exists already"):
        write_samples(sampler, 3, tmp_path, 0, QUIET, resume=True)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


# --- several classes in one folder ----------------------------------------------------------


@pytest.fixture
def other(sampler: Sampler) -> Sampler:
    """The same model of another class."""
    found = copy.copy(sampler)
    found.card = replace(sampler.card, class_name="4")
    return found


def test_a_class_is_added_to_another_one(
    sampler: Sampler, other: Sampler, whole: dict[str, bytes], tmp_path: Path
) -> None:
    lay_out(whole, tmp_path)
    write_samples(other, 3, tmp_path, 5, QUIET)
    after = contents(tmp_path)
    assert after.keys() - whole.keys() == {f"4/{i:06d}.png" for i in range(3)}
    assert after["manifest.jsonl"].startswith(whole["manifest.jsonl"])
    assert all(after[name] == whole[name] for name in whole if name.endswith("png"))
    with pytest.raises(OutputError, match=r"Samples of 3 in .* exist already"):
        write_samples(sampler, 3, tmp_path, 5, QUIET)


def test_one_class_of_two_is_replaced_or_gone_on_with(
    sampler: Sampler, other: Sampler, whole: dict[str, bytes], tmp_path: Path
) -> None:
    write_samples(sampler, 2, tmp_path, 6, QUIET)
    write_samples(other, 3, tmp_path, 5, QUIET)
    (tmp_path / "3" / "mine.png").write_text("precious")
    write_samples(sampler, 36, tmp_path, 5, QUIET, overwrite=True)
    assert [line["file"][:2] for line in manifest(tmp_path)] == ["4/"] * 3 + ["3/"] * 36
    after = contents(tmp_path)
    assert after["3/mine.png"] == b"precious"
    assert all(after[name] == whole[name] for name in whole if name.endswith("png"))

    write_samples(other, 5, tmp_path, 5, QUIET, resume=True)
    lines = manifest(tmp_path)
    assert [line["file"][:2] for line in lines] == ["3/"] * 36 + ["4/"] * 5
    assert [line["index"] for line in lines[36:]] == list(range(5))


@pytest.mark.parametrize("option", ["resume", "overwrite"])
def test_a_folder_of_real_images_is_never_drawn_into(
    sampler: Sampler, digits: Path, tmp_path: Path, option: str
) -> None:
    shutil.copytree(digits / "3", tmp_path / "3")
    (tmp_path / "3" / "00.png").rename(tmp_path / "3" / "000000.png")
    before = contents(tmp_path)
    with pytest.raises(OutputError, match="other things than samples"):
        write_samples(sampler, 2, tmp_path, 0, QUIET, **{option: True})
    assert contents(tmp_path) == before


# --- output folders ------------------------------------------------------------------------


def test_a_new_or_empty_folder_may_be_used(tmp_path: Path) -> None:
    claim(tmp_path / "a" / "b", "mark", overwrite=False)
    assert (tmp_path / "a" / "b").is_dir()
    claim(tmp_path / "a" / "b", "mark", overwrite=False)


@pytest.mark.parametrize("name", ["folder", "file"])
def test_nothing_is_overwritten_unless_asked(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "keep.txt").write_text("precious")
    (tmp_path / "file").write_text("precious")
    with pytest.raises(OutputError, match="--overwrite"):
        claim(tmp_path / name, "keep.txt", overwrite=False)
    assert (tmp_path / "folder" / "keep.txt").read_text() == "precious"
    assert (tmp_path / "file").read_text() == "precious"


def test_overwriting_leaves_nothing_of_the_old(tmp_path: Path) -> None:
    (tmp_path / "folder" / "old").mkdir(parents=True)
    (tmp_path / "folder" / "mark").touch()
    claim(tmp_path / "folder", "mark", overwrite=True)
    assert list((tmp_path / "folder").iterdir()) == []


@pytest.mark.parametrize("name", ["folder", "file"])
def test_what_others_wrote_is_never_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "keep.txt").write_text("precious")
    (tmp_path / "file").write_text("precious")
    with pytest.raises(OutputError, match="did not write it"):
        claim(tmp_path / name, "mark", overwrite=True)
    assert set(contents(tmp_path).values()) == {b"precious"}


def test_a_folder_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="can't be made"):
        claim(tmp_path / "file" / "below", "mark", overwrite=False)


def test_every_folder_that_exists_is_named(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name / "below").mkdir(parents=True)
    folders = [tmp_path / name for name in ("a", "b", "c")]
    with pytest.raises(OutputError, match=r"/a, .*/b exist already"):
        check_free(folders, "mark", overwrite=False)


def test_overwriting_never_removes_what_is_read_from(tmp_path: Path) -> None:
    model = tmp_path / "run" / "model.onnx"
    model.parent.mkdir()
    model.write_text("precious")
    for out in (tmp_path / "run", tmp_path):
        with pytest.raises(OutputError, match=r"would empty .*model\.onnx"):
            check_free([out], "run", overwrite=True, keep=[model])
    assert model.read_text() == "precious"


def test_overwriting_never_removes_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keep.txt").write_text("precious")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(OutputError, match="would empty"):
        claim(Path(".."), "here", overwrite=True)
    assert (tmp_path / "keep.txt").read_text() == "precious"


def test_what_never_passed_is_told(tiny_run: Path, tmp_path: Path) -> None:
    strict = Sampler(tiny_run / "model.onnx", device="cpu")
    strict.card = replace(strict.card, acceptance_threshold=2.0)  # no cosine is that large
    written = write_samples(strict, 3, tmp_path, 0, QUIET)
    assert (written.never_accepted, written.rejected) == (3, 24)
    for line in manifest(tmp_path):
        assert (line["accepted"], line["tries"]) == (False, 8)
        assert -1 <= line["similarity"] <= 1
