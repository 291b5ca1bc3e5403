"""Evaluations whose test images leak: near-identical ones and those of one group."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from PIL import Image

from l2laug.artifacts.run import Run
from l2laug.core.errors import UsageError
from tests.class_folders import copy_classes, strict_json
from tests.keywords import evaluate


@pytest.fixture(autouse=True)
def _bundle_features_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores of general features take a second and tell nothing more of leaks."""
    monkeypatch.setattr("l2laug.evaluation.samples._on_general_features", lambda *_: {})


@pytest.fixture
def train(digits: Path, tmp_path: Path) -> Path:
    """The support set and six sevens."""
    return copy_classes(digits, tmp_path / "train", {"3": range(5), "7": range(6)})


@pytest.fixture
def test(digits: Path, tmp_path: Path) -> Path:
    """Four other threes, three other sevens."""
    return copy_classes(digits, tmp_path / "test", {"3": range(5, 9), "7": range(6, 9)})


def test_a_test_image_that_is_a_mirrored_support_image_is_found_and_left_out(
    run: Run, train: Path, test: Path
):
    clean = evaluate(run, dataset=train, test=test)
    twin = test / "3" / "twin.jpg"
    Image.open(train / "3" / "02.png").transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(twin)

    found = evaluate(run, dataset=train, test=test)

    assert (found.counts, found.scores) == (clean.counts, clean.scores)
    [pair] = strict_json(run.folder / "report.json")["near_identical"]
    assert (pair["file"], pair["side"]) == (str(twin), "left out")
    assert (Path(pair["other"]).name, pair["other_side"]) == ("02.png", "support")
    assert pair["symmetry"] == "mirrored"
    assert any("left out of the tests" in n and "3/twin.jpg" in n for n in found.notes)
    assert "3/twin.jpg" in (run.folder / "report.md").read_text(encoding="utf-8")


def test_near_identical_test_images_count_once(run: Run, train: Path, test: Path):
    clean = evaluate(run, dataset=train, test=test)
    for name in ("05", "07"):
        turned = Image.open(test / "3" / f"{name}.png").transpose(Image.Transpose.ROTATE_90)
        turned.save(test / "3" / f"turned-{name}.png")

    found = evaluate(run, dataset=train, test=test)

    assert (found.counts, found.scores) == (clean.counts, clean.scores)
    assert [pair.side for pair in found.near_identical] == ["repeated", "repeated"]


def test_near_identical_images_are_never_split_between_training_and_tests(
    run: Run, digits: Path, tmp_path: Path
):
    data = copy_classes(digits, tmp_path / "data", {"3": range(9), "7": range(10)})
    for i in range(10):  # each seven once more, upside down
        turned = Image.open(data / "7" / f"{i:02d}.png").transpose(Image.Transpose.ROTATE_180)
        turned.save(data / "7" / f"turned{i}.png")

    found = evaluate(run, dataset=data)

    sides = [(pair.side, pair.other_side) for pair in found.near_identical]
    # Of twenty sevens six may be tested on: three pairs, each of which counts once.
    assert sorted(sides) == [("repeated", "test")] * 3 + [("train", "train")] * 7
    assert found.counts["test"] == 4 + 3
    assert any("3 images are near-identical to another test image" in n for n in found.notes)


def test_a_planted_group_leak_changes_nothing_in_the_score(
    run: Run, digits: Path, train: Path, test: Path, tmp_path: Path
):
    def table(**more: str) -> str:
        with (path := tmp_path / "groups.csv").open("w", newline="") as opened:
            rows = csv.writer(opened)
            rows.writerow(["file", "group"])
            rows.writerows([f"train/3/0{i}.png", "camera 1"] for i in range(5))
            rows.writerows([name.replace("_", "/") + ".png", group] for name, group in more.items())
        return str(path)

    clean = evaluate(run, dataset=train, test=test, groups=table())
    for i in (9, 10):  # two threes of the support set's camera
        shutil.copy(digits / "3" / f"{i:02d}.png", test / "3")
    leak = table(test_3_09="camera 1", test_3_10="camera 1")

    found = evaluate(run, dataset=train, test=test, groups=leak)

    assert (found.counts, found.scores) == (clean.counts, clean.scores)
    assert any("2 images are left out of the tests" in note for note in found.notes)
    open_wide = evaluate(run, dataset=train, test=test)
    assert open_wide.counts["real_held_out"] == clean.counts["real_held_out"] + 2


def test_groups_stay_together_where_images_are_split(run: Run, digits: Path, tmp_path: Path):
    data = copy_classes(digits, tmp_path / "data", {"3": range(9), "7": range(12)})

    # By the tens: sevens 00 to 09 are one group and 10, 11 the other, as all threes are.
    found = evaluate(run, dataset=data, groups=r"/7/(\d)\d\.png")

    assert found.counts["test"] == 4 + 2
    assert any("9 of 21 images have no group" in note for note in found.notes)


def test_too_few_groups_to_test_on_are_told(run: Run, digits: Path, tmp_path: Path):
    data = copy_classes(digits, tmp_path / "data", {"3": range(9), "7": range(6), "8": range(6)})

    found = evaluate(run, dataset=data, groups=r"/(7)/")

    assert found.counts["test"] == 4 + 2
    assert any("No image of 7 is tested on: there are too few groups" in n for n in found.notes)
    one = evaluate(run, dataset=data, groups=r"/3/0([5-8])|/(?:7|8)/0(\d)")
    assert not any("one group" in note for note in one.notes)
    halves = evaluate(run, dataset=data, groups=r"/3/0[5-8]()")
    assert any("of the rare class are of one group" in note for note in halves.notes)
    with pytest.raises(UsageError, match="None of the other images of 3 can be tested on: 4 are"):
        evaluate(run, dataset=data, groups="/(3)/", classifier=True)


def test_a_bad_expression_stops_before_any_score(run: Run, train: Path):
    with pytest.raises(UsageError, match="no regular expression"):
        evaluate(run, dataset=train, groups="camera(")
    assert not (run.folder / "report.json").exists()
