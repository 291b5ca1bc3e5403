"""The demo's images: one class of five, the rest held out, nothing in both."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from l2laug.artifacts.run import find_run
from l2laug.commands import demo
from l2laug.commands.adapt import AdaptOptions
from l2laug.commands.demo import PROBLEMS, Problem
from l2laug.config.evaluation_options import EvaluationOptions
from l2laug.runtime.session import Session
from tests.class_folders import copy_classes
from tests.cli.calls import l2laug, the_json
from tests.conftest import from_elsewhere
from tests.fixtures import make as fixtures


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_one_class_is_rare_and_no_image_is_on_both_sides(problem: Problem, tmp_path: Path) -> None:
    train, test = problem.write(tmp_path)
    counts = {folder.name: len(list(folder.iterdir())) for folder in train.iterdir()}
    assert counts.pop(problem.rare) == 5
    assert min(counts.values()) >= 40
    assert {folder.name for folder in test.iterdir()} == {problem.rare, *counts}
    seen = [file.read_bytes() for file in tmp_path.rglob("*.*")]
    assert len(set(seen)) == len(seen)
    assert len(list((test / problem.rare).iterdir())) >= 50


def test_clothing_is_in_colour_and_of_several_sizes(tmp_path: Path) -> None:
    train, _ = PROBLEMS[1].write(tmp_path)
    sizes = set()
    for file in train.rglob("*.jpg"):
        with Image.open(file) as image:
            assert image.mode == "RGB"
            sizes.add(image.size)
    assert len(sizes) > 3


def test_what_is_adapted_is_sampled_and_evaluated(
    digits: Path, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def adapt(folder: Path, options: AdaptOptions, _: Session) -> None:
        """What adapting the tiny bundle gives, from a bundle that has seen none of these digits."""
        assert options.base is None
        run = fixtures.place_run(Path(str(options.out)), folder, tiny_bundle)
        from_elsewhere(find_run(run), tiny_bundle, tmp_path / "bundle")

    def write(out: Path) -> tuple[Path, Path]:
        kept = {"3": range(5), "4": range(8), "7": range(8)}
        left = {name: range(len(kept[name]), 12) for name in kept}
        copy_classes(digits, out / "test", left)
        return copy_classes(digits, out / "train", kept), out / "test"

    monkeypatch.setattr(demo, "adapt", adapt)
    monkeypatch.setattr(demo, "PROBLEMS", [Problem("digits", "3", "tiny", 8, write)])
    quick = partial(EvaluationOptions, heads=("small",), flips="no", seeds=2, steps=2)
    monkeypatch.setattr(demo, "EvaluationOptions", quick)
    monkeypatch.chdir(tmp_path)
    ended = l2laug("demo", "--json")
    assert ended.exit_code == 0, ended.stderr
    evaluation = the_json(ended)["demo"][0]["evaluation"]
    # Seven threes and four of each other digit are held out.
    assert {name: evaluation["counts"][name] for name in ("samples", "support", "test")} == {
        "samples": 8,
        "support": 5,
        "test": 7 + 2 * 4,
    }
    assert len(list((tmp_path / "demo" / "digits" / "run" / "samples" / "3").iterdir())) == 8
    assert (tmp_path / evaluation["paths"]["report"]).is_file()
    assert [one["head"] for one in evaluation["verdicts"]] == ["small"]
