"""A benchmark from class folders to its table, and going on after a stop."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from l2laug.commands.benchmarking import benchmark as benchmarking
from l2laug.commands.benchmarking.benchmark import Benchmark, benchmark
from l2laug.commands.benchmarking.plan import BenchmarkOptions
from l2laug.commands.pretraining import bundle_training
from l2laug.config.recipe import Recipe
from l2laug.core.arrays import Pixels
from l2laug.core.errors import OutputError
from l2laug.methods.learning.trainer import MethodTrainer
from tests.keywords import session
from tests.methods.recipes import small

METHODS = ("dagan", "matchinggan")


def tiny_recipe(name: str, side: tuple[int, int], options: BenchmarkOptions) -> Recipe:
    """The methods' recipes with tiny networks, two classes held out."""
    assert side == (32, 1)
    assert options.steps == 2
    recipe = small(name, steps=2, critic_steps=1)
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"held_out": 2})})


def no_centroids(_known: Pixels, _unseen: Pixels, _net: object, path: Path) -> dict[str, float]:
    """Nothing is adapted here that would have to be near the source."""
    path.write_bytes(b"")
    return {"median": 0.1, "percentile_99": 0.2}


def run(digits: Path, out: Path, **options: Any) -> Benchmark:
    given = {"methods": METHODS, "shots": 2, "steps": 2, "seeds": 1, "error_shots": (3,)} | options
    return benchmark(digits, out, BenchmarkOptions(**given), session())


def test_it_ends_in_a_table_and_goes_on(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(benchmarking, "method_recipe", tiny_recipe)
    monkeypatch.setattr(bundle_training, "save_centroids", no_centroids)
    out = tmp_path / "out"

    class StoppedError(Exception):
        """Switched off."""

    def stopped(*_: object) -> None:
        raise StoppedError

    with monkeypatch.context() as patch:
        patch.setattr(benchmarking, "write_tables", stopped)
        with pytest.raises(StoppedError):
            run(digits, out)
    with monkeypatch.context() as patch:  # all but the tables is there
        patch.setattr(MethodTrainer, "step", stopped)
        patch.setattr(benchmarking.Scoring, "method", stopped)
        rows = run(digits, out).rows

    options = BenchmarkOptions(methods=METHODS, steps=2, seeds=2)
    recipes = {name: tiny_recipe(name, (32, 1), options) for name in METHODS}
    assert list(benchmarking.stages_left(out, recipes, options)) == [
        f"{what} {name}-1" for name in METHODS for what in ("train", "score")
    ]
    assert [row["method"] for row in rows] == ["real images", *METHODS]
    real, *others = rows
    assert all(row["fid"] > real["fid"] for row in others), "two steps make no generator"
    # Steps of four pairs, and of four times three images, each seen by critic and generator.
    assert [(row["steps"], row["images_seen"]) for row in others] == [(2, 32), (2, 48)]
    assert all(row["parameters"] > 1000 and row["seconds"] > 0 for row in others)
    assert {row["error_3_without"] for row in rows} == {real["error_3_without"]}
    assert json.loads((out / "benchmark.json").read_text())["rows"] == rows
    with (out / "benchmark.csv").open() as file:
        assert [line["method"] for line in csv.DictReader(file)] == [r["method"] for r in rows]
    with Image.open(out / "benchmark.png") as picture:
        assert picture.width > picture.height  # four columns; four rows

    with pytest.raises(OutputError, match="another budget"):
        run(digits, out, shots=3)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(OutputError, match="other files"):
        run(digits, tmp_path / "mine")
