"""Images of a data set that must not be parted while the ways to train are measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from l2laug.data.datasets.dataset import Dataset
from l2laug.data.image_set import read_files
from l2laug.evaluation.leakage.near_identical import find_near_identical, nearest_pairs
from l2laug.evaluation.leakage.units import units_of

SIDE = 64  # that images are compared at
MOST = 10_000  # images: of these all pairs take a quarter of a minute


@dataclass(frozen=True)
class Units:
    """Which images stay on one side.

    Attributes:
        of: the unit of each file: near-identical images share it, and images of a group.
        notes: what was found.
    """

    of: dict[Path, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def find_units(dataset: Dataset) -> Units:
    """Near-identical images and groups of a data set, whatever their split and class."""
    if len(dataset.items) > MOST:
        said = f"near-identical images are not searched for among more than {MOST}"
        return Units(notes=(said,))
    found = read_files([item.file for item in dataset.items], SIDE, 3)
    good = [i for i, pixels in enumerate(found) if not isinstance(pixels, str)]
    if not good:
        return Units()
    pairs = find_near_identical(np.stack([p for p in found if not isinstance(p, str)]))
    items = [dataset.items[i] for i in good]
    units = units_of(len(items), pairs, [item.group for item in items])
    notes = []
    if told := [(items[p.second].file, items[p.first].file) for p in nearest_pairs(pairs)]:
        some = ", ".join(f"{one.name} and {other.name}" for one, other in told[:3])
        more = f" and {len(told) - 3} more" if told[3:] else ""
        notes.append(
            "near-identical images, perhaps turned or mirrored, are never tested on where the like "
            f"are learned from: {some}{more}"
        )
    named = {item.file: int(unit) for item, unit in zip(items, units, strict=True)}
    return Units(named, tuple(notes))
