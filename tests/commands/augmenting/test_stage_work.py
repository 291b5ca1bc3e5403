"""What stages are thought to take: more images, more pixels and fewer cores take longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from l2laug.commands.augmenting.plan import AugmentPlan, make_plan
from l2laug.commands.augmenting.stage_work import Pace, drawing, learning, measuring
from l2laug.data.datasets.read_dataset import read_dataset
from tests.data.datasets import trees


def plan_of(root: Path, others: int, size: tuple[int, int] = (8, 8)) -> AugmentPlan:
    trees.class_folders(root / "train", {"a": 2}, size)
    trees.class_folders(root / "train", {"b": others}, (8, 8))
    trees.class_folders(root / "test", {"a": 6, "b": 6}, (8, 8))
    return make_plan(read_dataset(root), "100", ("a",), 0)


def test_what_was_measured_is_thought(tmp_path: Path) -> None:
    """140 photographs of 128 pixels: 50 to 57 s to measure, 137 to 143 s to learn, on one core."""
    plan = plan_of(tmp_path, 140, (128, 128))
    [a] = plan.filled
    assert measuring(a, plan, ["probe"], Pace()).work == pytest.approx(53, rel=0.07)
    [stage] = learning([a], Pace())
    assert stage.work == pytest.approx(140, rel=0.05)
    assert learning([a], Pace(2.0))[0].work < 0.6 * stage.work
    assert learning([a], Pace(), seconds=30.0)[0].work == pytest.approx(30 + stage.tail)


def test_large_images_take_longer_to_draw(tmp_path: Path) -> None:
    small, large = (
        drawing(plan.filled, plan)[0].work
        for plan in (plan_of(tmp_path / "s", 9), plan_of(tmp_path / "l", 9, (512, 384)))
    )
    assert small == pytest.approx(98 * 0.008, rel=0.01)
    assert large == pytest.approx(98 * 0.031, rel=0.1)  # as it was measured
