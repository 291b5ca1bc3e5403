"""The paper's experiment: one command, the numbers of the tables are those of the scores."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from l2laug.commands import reproduce as reproducing
from l2laug.commands.pretraining import other_gems
from l2laug.commands.reproduce import Reproduction
from l2laug.config.load import parse_recipe
from l2laug.config.recipe import GemOptions, Recipe
from l2laug.config.scaling import scaled
from l2laug.core.errors import ImageError, OutputError
from l2laug.evaluation.bundles.held_out_scores import HeldOutScores
from l2laug.reports.paper.tables import PLAIN, REAL, STRONG, WEAK, gem_name, gem_variants, tables
from tests.class_folders import copy_classes
from tests.cli.calls import l2laug
from tests.conftest import TINY
from tests.keywords import reproduce

NAMES = {
    "type 3, C, l1, blocks 0-1-2",
    "type 1, C, l1, blocks 0-1-2",
    "type 2, C, l1, blocks 0-1-2",
    "type 3, A, l1, blocks 0-1-2",
    "type 3, B, l1, blocks 0-1-2",
    "type 3, C, l2, blocks 0-1-2",
    "type 3, C, l1, blocks 0",
    "type 3, C, l1, blocks 0-1",
}


def run(digits: Path, out: Path, recipe: Recipe, **changes: Any) -> Reproduction:
    return reproduce(digits, out, recipe=recipe, seeds=1, **changes)


@pytest.fixture(scope="module")
def found(
    digits: Path, tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Reproduction:
    out = tmp_path_factory.mktemp("reproduction")
    shutil.copytree(tiny_bundle, out / "bundle")  # what the first step would make
    return run(digits, out, parse_recipe(TINY, "tiny"))


def test_every_method_is_scored_and_shown_and_nothing_is_done_twice(
    found: Reproduction,
    digits: Path,
    tiny: Recipe,
    tiny_recipe_file: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    results = json.loads((found.folder / "results.json").read_text())
    assert set(results["scores"]) == NAMES | {STRONG, WEAK, PLAIN, REAL}
    with Image.open(found.folder / "figure.png") as figure:
        # Two images of each class and two draws of each of the eleven methods.
        assert figure.size == ((2 + 2 * 11) * (64 + 2) + 2 + 6, 2 * (64 + 2) + 2)

    monkeypatch.setattr(other_gems, "train_gems", None)
    monkeypatch.setattr(reproducing, "train_target", None)
    words = ["--recipe", tiny_recipe_file, "-o", found.folder, "--seeds", 1, "--device", "cpu"]
    again = l2laug("reproduce", digits, *words)
    assert again.exit_code == 0, again.stderr
    assert again.stdout.startswith((found.folder / "tables.md").read_text())
    assert json.loads((found.folder / "results.json").read_text()) == results
    with pytest.raises(OutputError, match="another recipe, scale or bundle"):
        run(digits, found.folder, tiny, scale=2)


def test_only_the_gems_of_a_variant_differ(found: Reproduction):
    base = json.loads((found.folder / "bundle" / "bundle.json").read_text())
    other = json.loads(
        (found.folder / "gems" / "type 1, C, l1, blocks 0-1-2" / "bundle.json").read_text()
    )

    changed = {name for name in base["files"] if base["files"][name] != other["files"][name]}
    assert changed == {"gems.safetensors"}
    assert other["recipe"]["gems"]["type"] == 1


def test_a_bundle_serves_in_place_of_training_one(
    tiny_bundle: Path, digits: Path, tiny: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reproducing, "pretrain", None)
    learned = []
    monkeypatch.setattr(other_gems, "train_gems", lambda *a: learned.append(gem_name(a[4])))

    result = run(digits, tmp_path / "out", tiny, bundle=str(tiny_bundle))

    assert set(result.scores) == NAMES | {STRONG, WEAK, PLAIN, REAL}
    assert not (result.folder / "bundle").exists()
    assert set(learned) == NAMES - {gem_name(tiny.gems)}  # its own GEMs serve, too
    other = tiny.model_copy(update={"gems": tiny.gems.model_copy(update={"steps": 5})})
    with pytest.raises(OutputError, match="another recipe, scale or bundle"):
        run(digits, tmp_path / "out", other, bundle=str(tiny_bundle))


def test_classes_that_a_bundle_has_seen_are_not_scored_on(
    tiny_bundle: Path, digits: Path, tiny: Recipe, tmp_path: Path
):
    some = copy_classes(digits, tmp_path / "some", {str(c): range(12) for c in range(9)})
    with pytest.raises(ImageError, match="not the class folders that bundle"):
        run(some, tmp_path / "out", tiny, bundle=str(tiny_bundle))


def test_classes_too_small_to_score_on_are_left_out_and_counted(
    tiny_bundle: Path, digits: Path, tiny: Recipe, tmp_path: Path
):
    # Two images are shown, and four at least have to be left to compare with.
    small, large = json.loads((tiny_bundle / "bundle.json").read_text())["source"]["held_out"]
    sizes = {str(c): range(12) for c in range(10)} | {small: range(5)}
    some = copy_classes(digits, tmp_path / "some", sizes)

    run(some, tmp_path / "out", tiny, bundle=str(tiny_bundle))

    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert (results["classes"], results["classes_left_out"]) == (1, 1)
    less = copy_classes(digits, tmp_path / "less", sizes | {large: range(5)})
    with pytest.raises(ImageError, match="No held-out class has 6 images"):
        run(less, tmp_path / "none", tiny, bundle=str(tiny_bundle))


def test_all_steps_are_scaled_and_none_falls_to_zero(tiny: Recipe):
    small = scaled(tiny, 0.5)

    steps = [getattr(small, part).steps for part in ("source", "weak", "gems", "features")]
    assert steps == [2, 1, 2, 5]
    assert (small.target.steps, small.target.tune_steps) == (1, 1)
    assert scaled(tiny, 1e-4).source.steps == 1


def test_each_variant_differs_in_one_thing():
    assert {gem_name(g) for g in gem_variants(GemOptions())} == NAMES


def test_the_tables_hold_means_and_ratios_of_each_seed(tiny: Recipe):
    def score(*fids: float) -> list[HeldOutScores]:
        return [HeldOutScores(fid, fid, fid, 1.0, 1.0, 0.0) for fid in fids]

    scores = {name: score(10, 30) for name in NAMES}
    scores |= {STRONG: score(8, 8), WEAK: score(40, 60), PLAIN: score(20, 40), REAL: score(4, 4)}
    lines = tables(scores, tiny, 0.1, 100).splitlines()

    # By hand: 10 / 20 and 30 / 40 have mean 0.625 and deviate by 0.125 each, over N - 1 by 0.177.
    row = "| type 1 | 50 ± 14 | 30 ± 14 | 20 ± 14 | 0.625 ± 0.18 | 0.375 ± 0.18 |"
    assert row in lines
    assert "| K | 2 | 20 ± 14 |" in lines
    assert any(line.startswith(f"| {REAL} | 4.000") for line in lines)
