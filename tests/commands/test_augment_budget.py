"""augment with a budget, by a clock that the test sets: it holds, and what is left out is said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from l2laug.artifacts.model_card import Card
from l2laug.commands import augment as command
from l2laug.commands.augmenting import learn_classes, work
from l2laug.commands.augmenting.arms import Measured
from l2laug.core.progress import Progress
from l2laug.core.stages import Stage, Stages
from tests.commands.augmenting.models import warping
from tests.commands.conftest import Augment
from tests.data.datasets import trees

MEASURING = 80.0  # seconds


class Clock:
    """Goes on a little whenever it is looked at."""

    now, tick, learning = 0.0, 0.0, 50.0

    def __call__(self) -> float:
        self.now += self.tick
        return self.now


@pytest.fixture
def clock(card: Card, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of an ``augmented``, asked for behind it, that takes time to learn and measure."""
    clock, warp = Clock(), warping(card)

    def adapt(folder: Path, options: Any, session: Any) -> Any:
        with session.progress.task("training", 10) as advance:
            for _ in range(10):
                clock.now += clock.learning / 10
                advance()
        return warp(folder, options, session)

    def measure(*_: Any) -> Measured:
        clock.now += MEASURING
        return Measured("helps", "classical", "samples")

    monkeypatch.setattr(learn_classes, "adapt", adapt)
    monkeypatch.setattr(work, "measure_class", measure)
    monkeypatch.setattr(work, "Stages", partial(Stages, now=clock))
    monkeypatch.setattr(command.time, "monotonic", clock)
    return clock


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two rare classes, and a split to test them on."""
    counts = {"train": {"a": 3, "b": 4, "c": 20}, "test": {"a": 6, "b": 6, "c": 6}}
    for split, classes in counts.items():
        trees.class_folders(tmp_path / "set" / split, classes, (8, 8))
    return tmp_path / "set"


def words(result: dict[str, Any]) -> dict[str, Any]:
    told = {c["name"]: c["measured"] for c in result["classes"] if "measured" in c}
    return {name: (one["word"], *one["notes"]) for name, one in told.items()}


def test_all_is_done_where_there_is_time(augmented: Augment, clock: Clock, root: Path) -> None:
    result = augmented(root, budget=400.0, rare=("a", "b"), to_count="9")
    assert words(result) == {"a": ("helps",), "b": ("helps",)}
    assert [c["after"] - c["before"] for c in result["classes"]] == [6, 5, 0]
    assert clock.now == clock.learning + 2 * MEASURING


def test_by_force_nothing_is_learned_twice_from_a_split_that_is_there(
    augmented: Augment, clock: Clock, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, kinds = work.Stages, list[str]()

    def watched(progress: Progress, stages: Sequence[Stage]) -> Stages:
        kinds.extend(stage.kind for stage in stages)
        return make(progress, stages)

    monkeypatch.setattr(work, "Stages", watched)
    augmented(root, rare=("a", "b"), to_count="9", force="samples")
    assert kinds == ["learn", "measure", "measure", "draw", "draw", "write"]
    assert clock.now == clock.learning + 2 * MEASURING


def test_what_would_not_end_is_not_measured(augmented: Augment, clock: Clock, root: Path) -> None:
    result = augmented(root, budget=200.0, rare=("a", "b"), to_count="9")
    assert words(result)["b"] == ("not measured", "the budget was spent")
    assert [c["drawn"] for c in result["classes"]] == [6, 0, 0]  # what is found to help is drawn
    assert clock.now == clock.learning + MEASURING


def test_learning_is_cut_short(augmented: Augment, clock: Clock, root: Path) -> None:
    clock.learning = 300.0
    result = augmented(root, budget=180.0, rare=("a", "b"), to_count="9")
    assert words(result) == dict.fromkeys("ab", ("not measured", "the budget was spent"))
    assert result["added"] == 0
    assert 60 < clock.now <= 180
    assert "nothing could be measured" in (root.parent / "out" / "report.md").read_text()


def test_drawing_is_cut_short(augmented: Augment, clock: Clock, root: Path) -> None:
    clock.tick = 0.1
    result = augmented(root, budget=250.0, rare=("a",), to_count="1000")
    [told] = [note for note in result["notes"] if "drawn" in note]
    assert told == f"a: {result['added']} of 997 images drawn; the budget was spent"
    assert 100 < result["added"] < 997
    lines = (root.parent / "out" / "manifest.jsonl").read_text().splitlines()
    assert sum(not json.loads(line)["real"] for line in lines) == result["added"]
    assert 240 < clock.now < 260
