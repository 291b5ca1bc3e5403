"""Which images are learned from and which are tested on while the ways to train are measured."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from l2laug.data.datasets.dataset import TRAIN, Dataset, Item

RARE_SHARE, BASE_SHARE = 0.5, 0.3  # of a class's images that are kept for testing
ENOUGH = 30  # test images of a rare class; over that its share is that of the others
SUPPORT = 50  # images of a rare class that are learned from, at most
HELD_OUT = "held out"
Items = tuple[Item, ...]
Unit = Path | str | int


@dataclass(frozen=True)
class Roles:
    """Images by class.

    Attributes:
        learn: to learn from.
        test: to test on; learned from by nothing while arms are measured.
        source: where the test images come from: a split of the data set, or ``held out`` of train.
    """

    learn: dict[str, Items]
    test: dict[str, Items]
    source: str


def assign_roles(
    dataset: Dataset, rare: Sequence[str], seed: int, units: Mapping[Path, int] | None = None
) -> Roles:
    """What is learned from, and what is tested on.

    A split ``val`` is tested on where there is one, else ``test``. Where there is neither, three in
    ten of a class's images are held out, of a rare class half where that is 30 or fewer. Images of
    a unit or group stay on one side, of whatever class they are; of a split that is tested on those
    are left out of which the like are learned from. In sets of objects an image is of every rare
    class that it shows, or else of the first other one; an image without objects is of none.

    Args:
        dataset: as it was read.
        rare: its rare classes.
        seed: of the choice.
        units: of :func:`find_units`; groups by default.
    """

    def unit(item: Item) -> Unit:
        own = item.file if item.group is None else item.group
        return own if units is None else units.get(item.file, own)

    source = next((s for s in ("val", "test") if dataset.of(s)), HELD_OUT)
    learn, test = dataset.of(TRAIN), dataset.of(source)
    if source != HELD_OUT:
        known = {unit(item) for item in learn}
        test = tuple(item for item in test if unit(item) not in known)
        return Roles(_by_class(learn, rare), _by_class(test, rare), source)
    sides = _sides(learn, rare, unit, np.random.default_rng(seed))
    test = tuple(item for item in learn if sides.get(unit(item)))
    learn = tuple(item for item in learn if not sides.get(unit(item)))
    return Roles(_by_class(learn, rare), _by_class(test, rare), HELD_OUT)


def _classes_of(item: Item, rare: Sequence[str]) -> list[str]:
    """The classes that an image is learned under, or tested on."""
    if item.label is not None:
        return [item.label]
    return [name for name in rare if name in item.labels] or sorted(item.labels)[:1]


def _by_class(items: Sequence[Item], rare: Sequence[str]) -> dict[str, Items]:
    found: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        for name in _classes_of(item, rare):
            found[name].append(item)
    return {name: tuple(found[name]) for name in sorted(found)}


def _sides(
    items: Items,
    rare: Sequence[str],
    unit: Callable[[Item], Unit],
    random: np.random.Generator,
) -> dict[Unit, bool]:
    """Which units are tested on; those of the rare classes are chosen first.

    Whole units are taken while no class has more than it may.
    """
    by_class: dict[str, list[Unit]] = defaultdict(list)
    for item in items:
        for name in _classes_of(item, rare)[:1]:
            by_class[name].append(unit(item))
    sides: dict[Unit, bool] = {}
    for name in sorted(by_class, key=lambda name: (name not in rare, name)):
        sizes = Counter(by_class[name])
        most = int(BASE_SHARE * sizes.total())
        if name in rare:
            most = min(int(RARE_SHARE * sizes.total()), max(most, ENOUGH))
        count = sum(size for one, size in sizes.items() if sides.get(one))
        keys = list(sizes)
        for place in random.permutation(len(keys)):
            one = keys[place]
            if one not in sides:
                sides[one] = count + sizes[one] <= most
                count += sizes[one] * sides[one]
    return sides


def support_of(items: Sequence[Item], seed: int) -> Items:
    """The images of a rare class to learn from: all, or as many as are of use, by chance."""
    if len(items) <= SUPPORT:
        return tuple(items)
    rows = np.random.default_rng(seed).permutation(len(items))[:SUPPORT]
    return tuple(items[row] for row in np.sort(rows))
