"""From a plan to new images: learn the rare classes, measure what helps, draw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from l2laug.artifacts.run import Run, find_run
from l2laug.commands.adapt import AdaptOptions, adapt
from l2laug.commands.augmenting.arms import Measured, measure_class
from l2laug.commands.augmenting.draw_class import CommonObjects, draw_class
from l2laug.commands.augmenting.drawn_images import DrawnImages
from l2laug.commands.augmenting.hold_out import HELD_OUT, Items, support_of
from l2laug.commands.augmenting.image_folders import folder_names, link_classes
from l2laug.commands.augmenting.object_crops import measure_objects
from l2laug.commands.augmenting.plan import AugmentPlan, ClassPlan
from l2laug.core.files import unwritable
from l2laug.core.stages import Stage, Stages
from l2laug.data.datasets.dataset import TRAIN, Item
from l2laug.reports.augmentation import NOT_MEASURED
from l2laug.runtime.session import Session

COMMON_SHARE = 0.25  # by which objects of other classes may multiply in new images
# Of a budget: for models, and until no more is measured.
LEARNING_SHARE, MEASURING_SHARE = 0.25, 0.7
LEARN, MEASURE, DRAW, WRITE = "learn", "measure", "draw", "write"
# On two cores: to learn at all and a class more, to measure one, to draw and write an image.
TUNING, LEARNING, MEASURING, DRAWING, WRITING = 120.0, 15.0, 90.0, 0.02, 0.001


@dataclass(frozen=True)
class WorkOptions:
    """How the classes are learned, measured and chosen.

    Attributes:
        bundle: to start from.
        budget: seconds for all, about.
        forced: every rare class gets its images, whatever is measured.
        heads: classifiers to measure with.
    """

    bundle: str
    budget: float | None
    forced: bool
    heads: tuple[str, ...]


@dataclass
class Worked:
    """What came of the work.

    Attributes:
        measured: of each rare class.
        drawn: new images of the classes that get some.
        models: that those were drawn from.
        notes: what the user should know.
    """

    measured: dict[str, Measured] = field(default_factory=dict)
    drawn: dict[str, DrawnImages] = field(default_factory=dict)
    models: dict[str, Run] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Work:
    """The stages between a plan and the folder that is written.

    Args:
        plan: what is to be done.
        folder: for models, folders of links and new images, until all is written.
        session: engine, progress and seed.
        options: how to learn, measure and choose.
    """

    def __init__(
        self, plan: AugmentPlan, folder: Path, session: Session, options: WorkOptions
    ) -> None:
        self.plan, self.folder, self.options = plan, folder, options
        self.names = folder_names(plan.dataset.classes)
        self.worked = Worked()
        measured = [c for c in plan.filled if c.measured]
        stages = [_learning(measured, "")] if measured else []
        stages += [Stage(MEASURE, f"measuring {c.name}", MEASURING) for c in measured]
        later = self._drawing(plan.filled, plan.filled) if options.forced else []
        self.stages = Stages(session.progress, [*stages, *later, self._write_stage()])
        self.session = session.showing(self.stages)

    def _drawing(self, again: Sequence[ClassPlan], chosen: Sequence[ClassPlan]) -> list[Stage]:
        """Stages from learning some classes whole to drawing some."""
        stages = [_learning(again, " from all images")] if again else []
        return stages + [Stage(DRAW, f"drawing {c.name}", c.missing * DRAWING) for c in chosen]

    def run(self) -> Worked:
        """Do all of it.

        Raises:
            L2lAugError: what adapting, evaluating and drawing raise.
        """
        runs = self._measure()
        filled, measured = self.plan.filled, self.worked.measured
        chosen = [c for c in filled if self.options.forced or measured[c.name].helps]
        known = {} if self.plan.roles.source == HELD_OUT else runs
        again = [c for c in chosen if c.name not in known]
        done = self.stages.stages[: self.stages.done]
        self.stages.stages = [*done, *self._drawing(again, chosen), self._write_stage()]
        if again:
            items = {c.name: self._train(c.name) for c in again}
            base = {c.name: self._train(c.name) for c in self.plan.classes if c.role == "base"}
            with self.stages.next():
                known |= self._learn("whole", items, base)
        common = self._common() if self.plan.dataset.of_objects else None
        for c in chosen:
            run = known.get(c.name)
            with self.stages.next():
                self.worked.drawn[c.name] = self._draw(c, run, common)
            if run is not None:
                self.worked.models[c.name] = run
        return self.worked

    def _measure(self) -> dict[str, Run]:
        """Learn the rare classes that can be measured, and measure them; their models."""
        plan, found = self.plan, self.worked.measured
        measured = [c for c in plan.filled if c.measured]
        for c in plan.filled:
            found[c.name] = Measured(NOT_MEASURED, notes=("too few to test on",))
        if not measured:
            return {}
        learn = plan.roles.learn
        rare = {c.name: learn[c.name] for c in measured if c.name in learn}
        base = {c.name: learn[c.name] for c in plan.classes if c.role == "base" and c.name in learn}
        with self.stages.next():
            runs = self._learn("half", rare, base)
        folders = None if plan.dataset.of_objects else self._study_folders(rare)
        longest = 0.0
        for c in measured:
            began = self.stages.spent()
            with self.stages.next():
                found[c.name] = self._measure_one(c.name, runs, folders, began + longest)
            longest = max(longest, self.stages.spent() - began)
        return runs

    def _study_folders(self, rare: Mapping[str, Items]) -> tuple[Path, Path]:
        """Class folders to train and to test classifiers on."""
        learn, test = self.plan.roles.learn, self.plan.roles.test
        support = {name: support_of(items, self.session.seed) for name, items in rare.items()}
        tested = [name for name in test if test[name] and learn.get(name)]
        train_items = {name: support.get(name, learn[name]) for name in tested}
        test_items = {name: test[name] for name in tested}
        place = self.folder / "half"
        return (
            link_classes(place / "train", train_items, self.names),
            link_classes(place / "test", test_items, self.names),
        )

    def _measure_one(
        self, name: str, runs: Mapping[str, Run], folders: tuple[Path, Path] | None, until: float
    ) -> Measured:
        """Measure one class, unless that would take longer than the budget allows."""
        budget, heads = self.options.budget, self.options.heads
        if budget is not None and until > MEASURING_SHARE * budget:
            return Measured(NOT_MEASURED, notes=("the budget was spent",))
        if name not in runs:
            return Measured(NOT_MEASURED, notes=("nothing that is made of it passes",))
        if folders is not None:
            return measure_class(runs[name], *folders, self.session, heads)
        place = self.folder / "half" / "drawn" / self.names[name]
        roles = self.plan.roles
        return measure_objects(
            name, runs[name], roles.learn, roles.test, place, self.session, heads
        )

    def _learn(
        self, name: str, rare: Mapping[str, Sequence[Item]], base: Mapping[str, Sequence[Item]]
    ) -> dict[str, Run]:
        """Adapt models to some classes along with others; those of which something passes."""
        place, seed = self.folder / name, self.session.seed
        support = {c: support_of(items, seed) for c, items in rare.items()}
        folder = link_classes(place / "rare", support, self.names)
        usable = {c: items for c, items in base.items() if len(items) > 1}
        along = link_classes(place / "base", usable, self.names) if usable else None
        seconds = None
        if self.options.budget is not None:
            seconds = LEARNING_SHARE * self.options.budget / (len(rare) + 1)
        options = AdaptOptions(
            self.options.bundle,
            base=along,
            out=place / "runs",
            budget=seconds,
            resume=True,
            keep_going=True,
        )
        found = {}
        classes = {self.names[c]: c for c in rare}
        for one in adapt(folder, options, self.session):
            self.worked.notes += [n for n in one.notes if n not in self.worked.notes]
            if one.passed:
                found[classes[one.class_name]] = find_run(one.run)
        return found

    def _draw(self, c: ClassPlan, run: Run | None, common: CommonObjects | None) -> DrawnImages:
        # Of objects, images drawn for one rare class may show another.
        missing = c.missing - sum(new.shown[c.name] for new in self.worked.drawn.values())
        if run is None or missing <= 0:
            return DrawnImages(self.folder)
        items = {item.file.resolve(): item for item in self._train(c.name)}
        folder = self.folder / "drawn" / self.names[c.name]
        new = draw_class(c.name, run, items, missing, folder, self.session, common)
        try:
            found = DrawnImages(self.folder, new)
        except OSError as error:
            raise unwritable(folder, error) from error
        if len(found) < missing:
            why = "others never reached the class-similarity threshold"
            if common is not None:
                why = "more would lose the object, or multiply others"
            self.worked.notes.append(f"{c.name}: {len(found)} of {missing} images drawn; {why}")
        return found

    def _train(self, name: str) -> Items:
        """All images of a class to train on."""
        return tuple(item for item in self.plan.dataset.of(TRAIN) if name in item.labels)

    def _common(self) -> CommonObjects:
        counts = Counter(o.label for item in self.plan.dataset.of(TRAIN) for o in item.objects)
        return CommonObjects(counts, COMMON_SHARE, frozenset(c.name for c in self.plan.filled))

    def _write_stage(self) -> Stage:
        count = len(self.plan.dataset.items)
        return Stage(WRITE, "writing the data set", count * WRITING)


def _learning(classes: Sequence[ClassPlan], how: str) -> Stage:
    return Stage(LEARN, f"learning {_listed(classes)}{how}", TUNING + LEARNING * len(classes))


def _listed(classes: Sequence[ClassPlan]) -> str:
    return ", ".join(c.name for c in classes)
