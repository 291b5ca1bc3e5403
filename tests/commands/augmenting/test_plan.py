from __future__ import annotations

from pathlib import Path

import pytest

from l2laug.commands.augmenting.hold_out import assign_roles
from l2laug.commands.augmenting.plan import make_plan
from l2laug.data.datasets.dataset import Dataset, Item, Object
from l2laug.data.datasets.read_dataset import read_dataset
from tests.data.datasets import trees


def items(counts: dict[str, int], split: str = "train", group: int = 0) -> list[Item]:
    return [
        Item(Path(split, name, f"{i}.png"), name, split, str(i // group) if group else None)
        for name, number in counts.items()
        for i in range(number)
    ]


def dataset(found: list[Item]) -> Dataset:
    names = tuple(sorted({str(i.label) for i in found}))
    return Dataset(Path("set"), "folders", tuple(found), names)


def test_half_of_a_rare_class_is_held_out_and_three_in_ten_of_the_others() -> None:
    counts = {"rare": 13, "base": 20, "large": 200, "larger": 80}
    roles = assign_roles(dataset(items(counts)), ["rare", "large", "larger"], seed=0)
    assert roles.source == "held out"
    assert {n: len(i) for n, i in roles.test.items()} == {
        "rare": 6,
        "base": 6,
        "large": 60,
        "larger": 30,
    }
    assert {n: len(i) + len(roles.test[n]) for n, i in roles.learn.items()} == counts
    for name in ("rare", "base"):
        files = [i.file for i in (*roles.test[name], *roles.learn[name])]
        assert len(set(files)) == len(files)


def test_groups_of_several_classes_stay_together() -> None:
    found = [Item(Path(f"{n}{i}.png"), n, group=f"g{i % 7}") for n in "abc" for i in range(28)]
    roles = assign_roles(dataset(found), ["a"], seed=2)
    sides = [
        {i.group for items in part.values() for i in items} for part in (roles.learn, roles.test)
    ]
    assert all(sides)
    assert not sides[0] & sides[1]


def test_groups_stay_together() -> None:
    roles = assign_roles(dataset(items({"rare": 12, "base": 20}, group=3)), ["rare"], seed=1)
    for name in ("rare", "base"):
        learn, test = ({i.group for i in part[name]} for part in (roles.learn, roles.test))
        assert test
        assert not learn & test


@pytest.mark.parametrize("splits", [("val", "test"), ("test",)])
def test_splits_that_are_there_are_tested_on(splits: tuple[str, ...]) -> None:
    found = items({"a": 12, "b": 30})
    for split in splits:
        found += items({"a": 6, "b": 6}, split)
    plan = make_plan(dataset(found), None, (), 0)
    assert plan.roles.source == splits[0]
    assert [(c.name, c.role, c.learned, c.tested) for c in plan.classes] == [
        ("a", "base", 12, 6),
        ("b", "base", 30, 6),
    ]
    plan = make_plan(dataset(found), "20", (), 0)
    [a, _] = plan.classes
    assert (a.role, a.missing, a.measured) == ("rare", 8, True)


def test_too_few_to_test_on_is_told() -> None:
    plan = make_plan(dataset(items({"a": 6, "b": 60, "c": 70})), None, (), 0)
    assert not plan.classes[0].measured
    assert "nothing can be told of: a (3)" in plan.notes[0]


def test_of_mvtec_the_defects_are_rare(tmp_path: Path) -> None:
    root = trees.class_folders(tmp_path / "more" / "train", {"good": 50}).parent
    trees.mvtec(root)
    plan = make_plan(read_dataset(root), None, (), 0)
    assert [(c.name, c.role, c.target) for c in plan.classes] == [
        ("good", "base", 50),
        ("scratch", "rare", 50),
    ]


def test_of_objects_images_are_held_out_and_objects_counted() -> None:
    box = (0.0, 0.0, 9.0, 9.0)
    nut, bolt = Object("nut", box), Object("bolt", box)
    found = [Item(Path(f"{i}.png"), None, objects=(nut, nut)) for i in range(20)]
    found += [Item(Path(f"r{i}.png"), None, objects=(bolt, bolt, nut)) for i in range(8)]
    found += [Item(Path("empty.png"), None)]
    plan = make_plan(Dataset(Path("s"), "coco", tuple(found), ("bolt", "nut")), None, (), 0)
    assert [(c.name, c.role, c.images["train"], c.target) for c in plan.classes] == [
        ("bolt", "rare", 8, 28),
        ("nut", "base", 28, 28),
    ]
    learn, test = plan.roles.learn, plan.roles.test
    assert {name: len(i) for name, i in learn.items()} == {"bolt": 4, "nut": 14}
    assert {name: len(i) for name, i in test.items()} == {"bolt": 4, "nut": 6}
    assert [c.tested for c in plan.classes] == [8, 16]  # two bolts in each, two nuts or one
    assert plan.classes[0].measured
    files = [i.file for part in (learn, test) for items in part.values() for i in items]
    assert len(set(files)) == len(files) == 28
