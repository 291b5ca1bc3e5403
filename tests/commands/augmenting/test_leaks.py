"""Images that must not be parted, whatever their class and split: near-identical, of a group."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from l2laug.commands.augment import AugmentOptions, plan_augment
from l2laug.commands.augmenting.hold_out import assign_roles
from l2laug.commands.augmenting.leaks import find_units
from l2laug.core.errors import UsageError
from l2laug.data.datasets.dataset import Dataset, Item
from l2laug.data.datasets.read_dataset import read_dataset
from l2laug.runtime.session import Session
from tests.data.datasets import trees


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Nine patches of a photograph a class, in class folders."""
    photo = Image.fromarray(load_sample_image("china.jpg"))
    for number, name in enumerate(("a", "b")):
        (tmp_path / "set" / name).mkdir(parents=True)
        for i in range(9):
            left, top = 70 * i, 200 * number
            patch = photo.crop((left, top, left + 64, top + 64))
            patch.save(tmp_path / "set" / name / f"{name}{i}.png")
    return tmp_path / "set"


def plant(place: Path, source: str, target: str) -> None:
    turned = Image.open(place / source).transpose(Image.Transpose.ROTATE_90)
    (place / target).parent.mkdir(parents=True, exist_ok=True)
    turned.save(place / target, quality=80)


def test_a_turned_image_is_of_its_originals_unit_and_told(place: Path) -> None:
    assert find_units(read_dataset(place)).notes == ()
    plant(place, "a/a3.png", "b/twin.jpg")

    units = find_units(read_dataset(place))

    assert units.of[place / "a" / "a3.png"] == units.of[place / "b" / "twin.jpg"]
    assert len(set(units.of.values())) == 18
    assert "twin.jpg and a3.png" in units.notes[0]


def test_near_identical_images_of_two_classes_stand_on_one_side(place: Path) -> None:
    for i in range(9):
        plant(place, f"a/a{i}.png", f"b/twin{i}.jpg")
    dataset = read_dataset(place)
    units = find_units(dataset).of
    for seed in range(5):
        roles = assign_roles(dataset, ["a"], seed, units)
        learn, test = (
            {units[i.file] for items in part.values() for i in items}
            for part in (roles.learn, roles.test)
        )
        assert test
        assert not learn & test


def test_of_a_test_split_the_likes_of_training_images_are_left_out() -> None:
    items = [Item(Path("train", f"{i}.png"), "a", "train", f"patient {i}") for i in range(4)]
    items += [Item(Path("test", f"{i}.png"), "a", "test", f"patient {i}") for i in range(2, 7)]
    roles = assign_roles(Dataset(Path("set"), "folders", tuple(items), ("a",)), [], 0)

    assert [i.file.name for i in roles.test["a"]] == ["4.png", "5.png", "6.png"]


@pytest.mark.parametrize("by_table", [False, True])
def test_groups_that_are_named_stay_on_one_side(tmp_path: Path, by_table: bool) -> None:
    root, lines = tmp_path / "set", ["file,group"]
    for name, many in (("a", 24), ("b", 40)):
        for i in range(many):
            trees.picture(root / name / f"cam{i % 8}_{i}.png", (8, 8))
            lines.append(f"{name}/cam{i % 8}_{i}.png,{i % 8}")
    (tmp_path / "groups.csv").write_text("\n".join(lines))
    groups = str(tmp_path / "groups.csv") if by_table else r"cam(\d)"
    options = AugmentOptions(tmp_path / "out", rare=("a",), to_count="30", groups=groups)
    roles = plan_augment(root, options, Session.start("cpu")).roles
    learn, test = (
        {i.file.name[:4] for items in part.values() for i in items}
        for part in (roles.learn, roles.test)
    )
    assert learn | test == {f"cam{i}" for i in range(8)}
    assert test
    assert not learn & test
    with pytest.raises(UsageError, match="none of the 64 images"):
        plan_augment(root, replace(options, groups="lens(x)"), Session.start("cpu"))


def test_a_set_too_large_to_search_is_said_to_be(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("l2laug.commands.augmenting.leaks.MOST", 5)

    units = find_units(read_dataset(place))

    assert units.of == {}
    assert "more than 5" in units.notes[0]
