"""What is read of a study, and the snippet that says how to train."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from l2laug.commands.augmenting.arms import NOT_MEASURED, Measured, best_without, read_verdicts
from l2laug.commands.augmenting.output.recipe_files import write_recipe

POLICY = {"classical": 0.5, "free_form": 0.04, "flips": "mirror", "erasing": 0.0}


def entry(head: str, verdict: str) -> dict[str, Any]:
    plain = {"classical": 0.0, "free_form": 0.0, "flips": "", "erasing": 0.0}
    return {
        "head": head,
        "verdict": verdict,
        "best_without": "flips",
        "best_with": "samples",
        "change": 0.2,
        "interval": [0.1, 0.3],
        "notes": ["few images"],
        "arms": [
            {
                "name": "flips",
                "share": 0.0,
                "setting": {"policy": POLICY, "balanced": True, "weight": 2.0},
            },
            {
                "name": "samples",
                "share": 0.75,
                "setting": {"policy": plain, "balanced": True, "weight": 1.0},
            },
        ],
    }


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (["helps"], "helps"),
        (["unclear", "helps"], "helps"),
        (["helps", "hurts"], "hurts"),
        (["unclear", "unclear"], "unclear"),
    ],
)
def test_samples_help_if_a_head_says_so_and_none_objects(words: list[str], word: str) -> None:
    found = read_verdicts([entry(str(i), w) for i, w in enumerate(words)])
    assert (found.word, found.helps) == (word, word == "helps")
    assert (found.without, found.share, found.setting["policy"]) == ("flips", 0.75, POLICY)
    assert (found.difference, found.low, found.high) == (0.2, 0.1, 0.3)
    assert found.setting["weight"] == 2.0
    assert [h["verdict"] for h in found.heads] == words
    assert found.notes == ("few images",)


def test_the_training_that_is_best_of_most_classes() -> None:
    a, b = Measured("unclear", "none"), Measured("helps", "flips")
    assert best_without([a, b, b]) == b
    assert best_without([Measured(NOT_MEASURED, "none")]).without == "classical"


def snippet(policy: dict[str, Any], folder: Path) -> dict[str, Any]:
    setting = {"policy": policy, "balanced": True, "weight": 2.0}
    measured = Measured("unclear", "some", setting=setting)
    write_recipe(folder, {"a": measured}, {}, ["a"])
    names: dict[str, Any] = {}
    exec((folder / "augmentation.py").read_text(), names)  # noqa: S102 # as the user runs it
    return names


@pytest.fixture
def picture() -> Image.Image:
    """Dark on the left, light on the right, with a seam at two fifths."""
    image = Image.new("RGB", (50, 30), (40, 40, 40))
    image.paste((200, 180, 160), (20, 0, 50, 30))
    return image


def test_without_changes_images_stay_as_they_are(tmp_path: Path, picture: Image.Image) -> None:
    nothing = {"classical": 0.0, "free_form": 0.0, "flips": "", "erasing": 0.0}
    found = snippet(nothing, tmp_path)["transform"](picture)
    assert found.shape == (3, 30, 50)
    assert torch.equal(found[:, 0, 0] * 255, torch.tensor([40.0, 40.0, 40.0]))
    targets = [0] * 4 + [1] * 36  # twice as often as an average class, of which 20 are drawn
    weights = snippet(nothing, tmp_path)["sample_weights"](targets, [0])
    assert (sum(weights[:4]), sum(weights[4:])) == (40, 36)
    assert found[0].mean() * 255 == pytest.approx(40 * 0.4 + 200 * 0.6)
    assert json.loads((tmp_path / "recipe.json").read_text())["setting"]["policy"] == nothing


def test_each_part_changes_what_it_should(tmp_path: Path, picture: Image.Image) -> None:
    torch.manual_seed(0)
    off = {"classical": 0.0, "free_form": 0.0, "flips": "", "erasing": 0.0}
    mirror = snippet(off | {"flips": "mirror"}, tmp_path)["transform"]
    lefts = {round(float(mirror(picture)[0, 0, 0]) * 255) for _ in range(20)}
    assert lefts == {40, 200}  # as it is, and mirrored
    for part, strength in (("classical", 1.0), ("free_form", 0.08), ("erasing", 0.4)):
        change = snippet(off | {part: strength}, tmp_path)["transform"]
        views = [change(picture) for _ in range(12)]
        assert {tuple(v.shape) for v in views} == {(3, 30, 50)}
        assert len({float(v.sum()) for v in views}) > 3
        assert all(v.dtype == torch.float32 for v in views)
    free = snippet(off | {"free_form": 0.08}, tmp_path)["transform"]
    for _ in range(5):  # pixels move, none is new
        assert 39 <= free(picture)[0].min() * 255 <= free(picture)[0].max() * 255 <= 201
