"""The demo's images: one class of five, the rest held out, nothing in both."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from l2laug.commands.demo import PROBLEMS, Problem


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
