"""Which images are learned from and which are tested on while the ways to train are measured."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
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
    are left out of which the like are learned from. Of sets of objects nothing is held out: images
    of an object that is rare are what is learned, under each rare class that they show.

    Args:
        dataset: as it was read.
        rare: its rare classes.
        seed: of the choice.
        units: of :func:`find_units`; groups by default.
    """

    def unit(item: Item) -> Unit:
        own = item.file if item.group is None else item.group
        return own if units is None else units.get(item.file, own)

    learn, test = defaultdict(list), defaultdict(list)
    if dataset.of_objects:
        for item in dataset.of(TRAIN):
            shown = [name for name in rare if name in item.labels]
            for name in shown or sorted(item.labels)[:1]:
                learn[name].append(item)
        return Roles(_tuples(learn), {}, "")
    source = next((s for s in ("val", "test") if dataset.of(s)), HELD_OUT)
    for item in dataset.of(TRAIN):
        learn[str(item.label)].append(item)
    if source != HELD_OUT:
        known = {unit(item) for item in dataset.of(TRAIN)}
        for item in (item for item in dataset.of(source) if unit(item) not in known):
            test[str(item.label)].append(item)
        return Roles(_tuples(learn), _tuples(test), source)
    random, sides = np.random.default_rng(seed), dict[Unit, bool]()
    for name in sorted(learn, key=lambda name: (name not in rare, name)):
        count = len(learn[name])
        most = int(BASE_SHARE * count)
        if name in rare:
            most = min(int(RARE_SHARE * count), max(most, ENOUGH))
        test[name], learn[name] = _parted(
            learn[name], [unit(item) for item in learn[name]], most, sides, random
        )
    return Roles(_tuples(learn), _tuples(test), HELD_OUT)


def _parted(
    items: list[Item],
    units: list[Unit],
    most: int,
    sides: dict[Unit, bool],
    random: np.random.Generator,
) -> tuple[list[Item], list[Item]]:
    """Some units with at most so many images, and the others.

    ``sides`` holds which units are tested on; those that other classes decided stay as they are.
    """
    sizes = Counter(units)
    count = sum(size for unit, size in sizes.items() if sides.get(unit))
    keys = list(sizes)
    for place in random.permutation(len(keys)):
        unit = keys[place]
        if unit not in sides:
            sides[unit] = count + sizes[unit] <= most
            count += sizes[unit] * sides[unit]
    both = list(zip(items, units, strict=True))
    return [i for i, unit in both if sides[unit]], [i for i, unit in both if not sides[unit]]


def support_of(items: Sequence[Item], seed: int) -> Items:
    """The images of a rare class to learn from: all, or as many as are of use, by chance."""
    if len(items) <= SUPPORT:
        return tuple(items)
    rows = np.random.default_rng(seed).permutation(len(items))[:SUPPORT]
    return tuple(items[row] for row in np.sort(rows))


def _tuples(found: dict[str, list[Item]]) -> dict[str, Items]:
    return {name: tuple(found[name]) for name in sorted(found)}
