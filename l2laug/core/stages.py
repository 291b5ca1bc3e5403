"""The stages of a long command: which is going on, and how long all of them still take."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from l2laug.core.progress import Advance, Progress, clock


class OutOfTimeError(Exception):
    """A stage would end, or goes on, after :attr:`Stages.deadline`; whoever set it catches this."""


@dataclass(frozen=True)
class Stage:
    """One stage.

    Attributes:
        kind: stages of a kind take times in proportion to their work.
        title: shown to people.
        work: seconds that it takes on an everyday machine, roughly; what was measured here comes in
            its place as soon as a stage of the kind is done.
        tail: of that work, what comes behind its longest task.
        cut: seconds after which that task is broken off, if it is.
    """

    kind: str
    title: str
    work: float
    tail: float = 0.0
    cut: float | None = None


class Stages(Progress):
    """Tells which stage begins, and behind each task's progress how long all stages still take.

    Args:
        progress: where to.
        stages: what is to be done, in order; those not begun may be replaced later.
        now: a clock, in seconds.

    Attributes:
        deadline: seconds from the start after which no stage goes on; None sets no limit.
    """

    def __init__(
        self,
        progress: Progress,
        stages: Sequence[Stage],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(quiet=progress.quiet, every=progress.every)
        self.progress, self.stages, self.now = progress, list(stages), now
        self.done, self.start = 0, now()
        self.deadline: float | None = None
        self._began: float | None = None  # of the stage that is going on
        self._task: tuple[float, float] | None = None  # when it began, which part is done
        self._spent: dict[str, float] = defaultdict(float)
        self._work: dict[str, float] = defaultdict(float)

    def spent(self) -> float:
        """Seconds since the first stage began."""
        return self.now() - self.start

    def left(self) -> float:
        """Seconds that all that is not done takes.

        A stage takes as long as its work at the pace of its kind, or of all kinds as long as none
        of its kind is done; but no less than the task that is going on in it has left, and what
        comes behind that at its pace.
        """
        spent, work, here = sum(self._spent.values()), sum(self._work.values()), 0.0
        following = self.stages[self.done :]
        if self._began is not None:
            current, elapsed = following.pop(0), self.now() - self._began
            here = max(current.work * self._pace(current.kind, spent, work) - elapsed, 0.0)
            if self._task is not None and self._task[1] > 0:
                began, part = self._task
                gone = self.now() - began
                more = gone * (1 - part) / part
                if current.cut is not None:
                    more = min(more, max(current.cut - gone, 0.0))
                pace = (elapsed + more) / (current.work - current.tail or 1.0)
                here = max(here, more + current.tail * pace)
            spent, work = spent + elapsed + here, work + current.work
        return here + sum(s.work * self._pace(s.kind, spent, work) for s in following)

    def estimate(self, stages: Sequence[Stage]) -> float:
        """Seconds that stages take, at the paces known so far; of the one going on nothing is."""
        spent, work = sum(self._spent.values()), sum(self._work.values())
        return sum(stage.work * self._pace(stage.kind, spent, work) for stage in stages)

    def check(self, more: float = 0.0) -> None:
        """Make sure that the deadline is not over, nor will be in so many seconds.

        Raises:
            OutOfTimeError: it is.
        """
        if self.deadline is not None and self.spent() + more > self.deadline:
            raise OutOfTimeError

    def _pace(self, kind: str, spent: float, work: float) -> float:
        """Seconds for one of work."""
        if self._work.get(kind):
            return self._spent[kind] / self._work[kind]
        return spent / work if work else 1.0

    @contextmanager
    def next(self) -> Iterator[Stage]:
        """Tell of the next stage, and time it; one that is cut short tells no pace."""
        stage = self.stages[self.done]
        told = f"{clock(self.spent())} spent, about {clock(self.left())} left"
        self.say(f"[{self.done + 1}/{len(self.stages)}] {stage.title}; {told}")
        self._began = self.now()
        try:
            yield stage
            self._spent[stage.kind] += self.now() - self._began
            self._work[stage.kind] += stage.work
        finally:
            self._began, self._task = None, None
            self.done += 1

    def say(self, line: str) -> None:
        """Print one line for the person watching."""
        self.progress.say(line)

    @contextmanager
    def task(
        self, title: str, total: int, done: int = 0, seconds: float | None = None
    ) -> Iterator[Advance]:
        """Show one task of a stage; behind it how long all stages still take.

        Each step that is told raises :class:`OutOfTimeError` where the deadline is over.
        """
        with self.progress.task(title, total, done, seconds) as advance:
            began, count = self.now(), 0
            self._task = None

            def told(steps: int = 1, note: str = "") -> None:
                nonlocal count
                count += steps
                self._task = (began, min(count / max(total - done, 1), 1.0))
                advance(steps, f"all: about {clock(self.left())} left  {note}".rstrip())
                self.check()

            yield told
            self._task = None
