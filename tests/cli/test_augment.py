"""augment as a person or a script meets it: --plan of each layout, exit codes, messages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from l2laug.artifacts.model_card import Card
from l2laug.commands.augmenting import learn_classes
from l2laug.core.errors import NOTHING_ADDED
from tests.cli.calls import l2laug, rejected, the_json
from tests.commands.augmenting.models import warping
from tests.data.datasets import trees


def folders(root: Path) -> Path:
    return trees.class_folders(root, {"cat": 20, "dog": 22, "eel": 4})


def splits(root: Path) -> Path:
    folders(root / "train")
    trees.class_folders(root / "val", {"cat": 2, "dog": 2, "eel": 2})
    return root


def imagefolder(root: Path) -> Path:
    root.mkdir()
    (root / "metadata.jsonl").write_text(
        "".join(_lines(root, '{{"file_name": "{}", "label": "{}"}}'))
    )
    return root


def table(root: Path) -> Path:
    root.mkdir()
    (root / "all.csv").write_text("file,label\n" + "".join(_lines(root, "{},{}")))
    return root


def _lines(root: Path, form: str) -> list[str]:
    names = {f"{i}.png": "rare" if i < 3 else "base" for i in range(15)}
    return [form.format(trees.picture(root / n).name, label) + "\n" for n, label in names.items()]


@pytest.mark.parametrize(
    ("make", "layout", "said"),
    [
        (folders, "folders", "eel        4     22        2       2  filled"),
        (splits, "splits", "tested on: val"),
        (trees.mvtec, "mvtec", "defects scratch: every second image is learned from"),
        (table, "table", "rare       3     12        2       1  filled"),
        (imagefolder, "imagefolder", "rare       3     12        2       1  filled"),
        (trees.coco, "coco", "no class is rare"),
        (trees.yolo, "yolo", "1 to validate on"),
        (trees.voc, "voc", "2 to learn from, 1 to validate on"),
    ],
)
def test_the_plan_of_each_layout(make: object, layout: str, said: str, here: Path) -> None:
    make(here / "set")  # type: ignore[operator]
    result = l2laug("augment", "set", "-o", "out", "--plan")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith(f"set: {layout}, ")
    assert said in result.stdout
    assert [p.name for p in here.iterdir()] == ["set"]
    plan = the_json(l2laug("augment", "set", "-o", "out", "--plan", "--json"))["plan"]
    assert plan["layout"] == layout


def test_nothing_added_has_an_exit_code_of_its_own(here: Path) -> None:
    trees.class_folders(here / "set", {"cat": 5, "dog": 5})
    result = l2laug("augment", "set", "-o", "out", "--device", "cpu")
    assert result.exit_code == NOTHING_ADDED == 10
    assert "Nothing was added: no class is rare. augmentation.py and recipe.json are classical" in (
        result.stdout
    )
    again = l2laug("augment", "set", "-o", "out", "--device", "cpu", "--resume", "--json")
    assert again.exit_code == NOTHING_ADDED
    assert the_json(again)["augmented"]["added"] == 0
    assert "out exists already" in rejected(6, "augment", "set", "-o", "out", "--device", "cpu")


def test_samples_by_force(here: Path, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learn_classes, "adapt", warping(card))
    folders(here / "set")
    words = ["augment", "set", "-o", "out", "--device", "cpu", "--force", "samples"]
    result = l2laug(*words)
    assert result.exit_code == 0, result.stderr
    assert "eel         4     18     22  not measured" in result.stdout
    assert re.search(r"\[1/3\] learning eel from all images; \d+ s spent, about ", result.stderr)


def test_wrong_words(here: Path) -> None:
    folders(here / "set")
    assert "no class cow" in rejected(2, "augment", "set", "-o", "out", "--rare", "cow")
    assert "no count" in rejected(2, "augment", "set", "-o", "out", "--to-count", "some")
    assert "--force all is unknown" in rejected(2, "augment", "set", "-o", "out", "--force", "all")
    assert "lies in the data set" in rejected(3, "augment", "set", "-o", "set/out")
    assert "nowhere does not exist" in rejected(3, "augment", "nowhere", "-o", "out")
