"""What augment is about to do with a data set, before any work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from l2laug.classification.verdict import FEWEST_TEST
from l2laug.commands.augmenting.hold_out import SUPPORT, Roles, assign_roles
from l2laug.commands.augmenting.leaks import Units
from l2laug.commands.augmenting.rare_classes import RareClasses, find_rare
from l2laug.data.datasets.dataset import TRAIN, Dataset


@dataclass(frozen=True)
class ClassPlan:
    """What becomes of one class.

    Attributes:
        name: of it.
        role: ``rare``: it is filled; ``base``: it is learned along and left as it is.
        images: in each split.
        target: images to train on there shall be, real and drawn together.
        learned: images that are learned from while the ways to train are measured.
        tested: images, or objects, that those are tested on.
        measured: whether these are enough for a verdict.
    """

    name: str
    role: str
    images: dict[str, int]
    target: int
    learned: int
    tested: int
    measured: bool

    @property
    def missing(self) -> int:
        """Images to draw, where samples help."""
        return self.target - self.images.get(TRAIN, 0)


@dataclass(frozen=True)
class AugmentPlan:
    """What is about to be done.

    Attributes:
        dataset: as it was read.
        rare: the classes to fill.
        roles: images to learn from and to test on.
        classes: what becomes of each.
        notes: what was found and settled.
    """

    dataset: Dataset
    rare: RareClasses
    roles: Roles
    classes: tuple[ClassPlan, ...]
    notes: tuple[str, ...]

    @property
    def filled(self) -> tuple[ClassPlan, ...]:
        """The classes that are to be filled."""
        return tuple(c for c in self.classes if c.role == "rare")

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "dataset": str(self.dataset.root),
            "layout": self.dataset.layout,
            "splits": {s: len(self.dataset.of(s)) for s in self.dataset.splits},
            "rule": self.rare.rule,
            "target": self.rare.target,
            "tested_on": self.roles.source,
            "classes": [{**vars(c), "missing": c.missing} for c in self.classes],
            "notes": list(self.notes),
        }


def make_plan(
    dataset: Dataset,
    to_count: str | None,
    named: tuple[str, ...],
    seed: int,
    units: Units | None = None,
) -> AugmentPlan:
    """Find the rare classes and what is learned from and tested on.

    Raises:
        UsageError: a named class is not there, or ``to_count`` is no count.
    """
    counts = dataset.counts(TRAIN)
    rare = find_rare(counts, to_count, named)
    roles = assign_roles(dataset, rare.names, seed, units.of if units else None)
    classes = []
    for name in dataset.classes:
        is_rare = name in rare.names and counts[name] < rare.target
        there = len(roles.learn.get(name, ()))
        tested = _tested(name, roles, of_objects=dataset.of_objects)
        classes.append(
            ClassPlan(
                name,
                "rare" if is_rare else "base",
                {split: dataset.counts(split)[name] for split in dataset.splits},
                rare.target if is_rare else counts[name],
                min(there, SUPPORT) if is_rare else there,
                tested,
                is_rare and tested >= FEWEST_TEST and len(dataset.classes) > 1,
            )
        )
    said = units.notes if units else ()
    notes = (*dataset.notes, *said, *_notes(classes, roles, dataset))
    return AugmentPlan(dataset, rare, roles, tuple(classes), notes)


def _tested(name: str, roles: Roles, *, of_objects: bool) -> int:
    """Images of a class to test on, or objects of it that those show."""
    if not of_objects:
        return len(roles.test.get(name, ()))
    items = {id(item): item for found in roles.test.values() for item in found}
    return sum(o.label == name for item in items.values() for o in item.objects)


def _notes(classes: list[ClassPlan], roles: Roles, dataset: Dataset) -> list[str]:
    notes = []
    filled = [c for c in classes if c.role == "rare"]
    if not filled:
        notes.append("no class is rare: nothing is to be added")
    if dataset.of_objects and filled:
        notes.append("measured on objects, cut out: whether a classifier tells them apart better")
    if few := [f"{c.name} ({c.tested})" for c in filled if not c.measured]:
        what = "objects" if dataset.of_objects else "images"
        notes.append(
            f"fewer than {FEWEST_TEST} {what} to test on, so that nothing can be told of: "
            f"{', '.join(few)}; give more, in a split val or test, or --force samples to add them "
            "unmeasured"
        )
    if many := [c.name for c in filled if len(roles.learn.get(c.name, ())) > SUPPORT]:
        notes.append(f"learned from {SUPPORT} images each, by chance: {', '.join(many)}")
    return notes
