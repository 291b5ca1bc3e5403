"""From a plan to new images: learn the rare classes, measure what helps, draw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from l2laug.artifacts.run import Run
from l2laug.commands.augmenting.arms import Measured, measure_class
from l2laug.commands.augmenting.draw_class import CommonObjects, draw_class
from l2laug.commands.augmenting.drawn_images import DrawnImages
from l2laug.commands.augmenting.hold_out import HELD_OUT, Items, support_of
from l2laug.commands.augmenting.image_folders import folder_names, link_classes
from l2laug.commands.augmenting.learn_classes import Learned, LearnOptions, learn_classes
from l2laug.commands.augmenting.object_crops import measure_objects
from l2laug.commands.augmenting.plan import AugmentPlan, ClassPlan
from l2laug.commands.augmenting.stage_work import (
    DRAW,
    Pace,
    drawing,
    learning,
    measuring,
    writing,
)
from l2laug.core.files import unwritable
from l2laug.core.stages import OutOfTimeError, Stage, Stages
from l2laug.data.datasets.dataset import TRAIN, Item
from l2laug.reports.augmentation import NOT_MEASURED
from l2laug.runtime.session import Session

COMMON_SHARE = 0.25  # by which objects of other classes may multiply in new images
LEARNING_SHARE = 0.25  # of a budget, for all trainings of models
SPENT = "the budget was spent"
T = TypeVar("T")


@dataclass(frozen=True)
class WorkOptions:
    """How the classes are learned, measured and chosen.

    Attributes:
        bundle: to start from.
        budget: seconds for all, if that is limited.
        began: when they began to count, by :func:`time.monotonic`.
        forced: every rare class gets its images, whatever is measured.
        heads: classifiers to measure with.
    """

    bundle: str
    budget: float | None
    began: float
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

    With a budget each stage has to leave the time that the later ones need, what samples help comes
    before what is measured next, and writing before all: a stage that would take longer is left
    out, one that does is cut short, and both are said.

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
        self.seconds = None
        if options.budget is not None:
            self.seconds = LEARNING_SHARE * options.budget / (len(measured) + 1)
        self.pace = Pace.of(session)
        half = learning(measured, self.pace, seconds=self.seconds)
        stages = [*half, *map(self._measuring, measured)]
        later = self._forced_stages() if options.forced else []
        self.stages = Stages(session.progress, [*stages, *later, writing(plan)])
        self.stages.start = options.began
        self.session = session.showing(self.stages)

    def _measuring(self, c: ClassPlan) -> Stage:
        return measuring(c, self.plan, self.options.heads, self.pace)

    def _later(self, again: Sequence[ClassPlan], chosen: Sequence[ClassPlan]) -> list[Stage]:
        """Stages from learning some classes whole to drawing some."""
        whole = learning(again, self.pace, " from all images", self.seconds)
        return [*whole, *drawing(chosen, self.plan)]

    def _forced_stages(self) -> list[Stage]:
        """Stages after measuring where every rare class gets its images."""
        filled, held_out = self.plan.filled, self.plan.roles.source == HELD_OUT
        return self._later([c for c in filled if held_out or not c.measured], filled)

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
        self.stages.stages = [*done, *self._later(again, chosen), writing(self.plan)]
        if again:
            known = {**known, **self._learn_whole(again, chosen, runs)}
        common = self._common() if self.plan.dataset.of_objects else None
        for c in chosen:
            self.worked.drawn[c.name] = DrawnImages(self.folder)
            run = known.get(c.name)
            self._in_time([], partial(self._draw, c, run, common), None)
            if run is not None:
                self.worked.models[c.name] = run
        self.stages.deadline = None
        return self.worked

    def _in_time(self, later: Sequence[Stage], do: Callable[[], T], otherwise: T) -> T:
        """What the next stage gives, if it leaves the time that later ones take."""
        if self.options.budget is not None:
            needed = self.stages.estimate([*later, writing(self.plan)])
            self.stages.deadline = self.options.budget - needed
        try:
            with self.stages.next() as stage:
                if stage.kind != DRAW:  # a part of what is to be drawn serves, too
                    self.stages.check(self.stages.estimate([stage]))
                return do()
        except OutOfTimeError:
            self.session.progress.say(f"note: {stage.title}: {SPENT}")
            return otherwise

    def _measure(self) -> dict[str, Run]:
        """Learn the rare classes that can be measured, and measure them; their models."""
        plan, found = self.plan, self.worked.measured
        measured = [c for c in plan.filled if c.measured]
        for c in plan.filled:
            why = SPENT if c.measured else "too few to test on"
            found[c.name] = Measured(NOT_MEASURED, notes=(why,))
        if not measured:
            return {}
        learn = plan.roles.learn
        rare = {c.name: learn[c.name] for c in measured if c.name in learn}
        base = {c.name: learn[c.name] for c in plan.classes if c.role == "base" and c.name in learn}
        one = measured[:1]
        learned = self._in_time(
            [*map(self._measuring, one), *self._needed(one)],
            lambda: self._learn("half", rare, base),
            Learned({}, late=True),
        )
        folders = None if plan.dataset.of_objects else self._study_folders(rare)
        for c in measured:
            measure = partial(self._measure_one, c.name, learned, folders)
            found[c.name] = self._in_time(self._needed([c]), measure, found[c.name])
        return learned.runs

    def _needed(self, more: Sequence[ClassPlan]) -> list[Stage]:
        """Stages that have to come after what is measured, were some classes found to be helped."""
        if self.options.forced:
            return self._forced_stages()
        helped = [c for c in self.plan.filled if self.worked.measured[c.name].helps]
        return drawing([*helped, *more], self.plan)

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
        self, name: str, learned: Learned, folders: tuple[Path, Path] | None
    ) -> Measured:
        run, heads = learned.runs.get(name), self.options.heads
        if run is None:
            why = SPENT if learned.late else "nothing that is made of it passes"
            return Measured(NOT_MEASURED, notes=(why,))
        if folders is not None:
            return measure_class(run, *folders, self.session, heads)
        place = self.folder / "half" / "drawn" / self.names[name]
        roles = self.plan.roles
        return measure_objects(name, run, roles.learn, roles.test, place, self.session, heads)

    def _learn(
        self, name: str, rare: Mapping[str, Sequence[Item]], base: Mapping[str, Sequence[Item]]
    ) -> Learned:
        place = self.folder / name
        how = LearnOptions(place, self.names, self.options.bundle, self.seconds)
        learned = learn_classes(rare, base, how, self.session)
        self.worked.notes += [n for n in learned.notes if n not in self.worked.notes]
        return learned

    def _learn_whole(
        self, again: Sequence[ClassPlan], chosen: Sequence[ClassPlan], halves: Mapping[str, Run]
    ) -> dict[str, Run]:
        """Models of classes learned from all their images; those at hand where time is over."""
        items = {c.name: self._train(c.name) for c in again}
        base = {c.name: self._train(c.name) for c in self.plan.classes if c.role == "base"}
        learned = self._in_time(
            drawing(chosen, self.plan),
            lambda: self._learn("whole", items, base),
            Learned({}, late=True),
        )
        if late := [c.name for c in again if learned.late and c.name not in learned.runs]:
            self.worked.notes.append(f"not learned from all images, {SPENT}: {', '.join(late)}")
        return {**halves, **learned.runs} if learned.late else learned.runs

    def _draw(self, c: ClassPlan, run: Run | None, common: CommonObjects | None) -> None:
        # Of objects, images drawn for one rare class may show another.
        missing = c.missing - sum(new.shown[c.name] for new in self.worked.drawn.values())
        if run is None or missing <= 0:
            return
        items = {item.file.resolve(): item for item in self._train(c.name)}
        folder, found = self.folder / "drawn" / self.names[c.name], self.worked.drawn[c.name]
        why = "others never reached the class-similarity threshold"
        if common is not None:
            why = "more would lose the object, or multiply others"
        try:
            found.extend(draw_class(c.name, run, items, missing, folder, self.session, common))
        except OSError as error:
            raise unwritable(folder, error) from error
        except OutOfTimeError:
            why = SPENT
            raise
        finally:
            if len(found) < missing:
                self.worked.notes.append(f"{c.name}: {len(found)} of {missing} images drawn; {why}")

    def _train(self, name: str) -> Items:
        """All images of a class to train on."""
        return tuple(item for item in self.plan.dataset.of(TRAIN) if name in item.labels)

    def _common(self) -> CommonObjects:
        counts = Counter(o.label for item in self.plan.dataset.of(TRAIN) for o in item.objects)
        return CommonObjects(counts, COMMON_SHARE, frozenset(c.name for c in self.plan.filled))
