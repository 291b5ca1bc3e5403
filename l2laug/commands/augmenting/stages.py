"""The stages of a long command: which is going on, and how long all of them still take."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from l2laug.core.progress import Progress, clock


@dataclass(frozen=True)
class Stage:
    """One stage.

    Attributes:
        kind: stages of a kind take times in proportion to their work.
        title: shown to people.
        work: seconds that it takes on an everyday machine, roughly; what was measured here comes in
            its place as soon as a stage of the kind is done.
    """

    kind: str
    title: str
    work: float


@dataclass
class Stages:
    """Tells which stage begins, how long it went so far and how long is left.

    Args:
        progress: where to.
        stages: what is to be done, in order; more may be put in later.
    """

    progress: Progress
    stages: Sequence[Stage]
    done: int = 0
    start: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._spent: dict[str, float] = defaultdict(float)
        self._work: dict[str, float] = defaultdict(float)

    def spent(self) -> float:
        """Seconds since the first one."""
        return time.monotonic() - self.start

    def left(self) -> float:
        """Seconds that the stages not yet done take."""
        slower = sum(self._spent.values()) / max(sum(self._work.values()), 1e-9)
        total = 0.0
        for stage in self.stages[self.done :]:
            known = self._work.get(stage.kind, 0.0)
            rate = self._spent[stage.kind] / known if known else slower or 1.0
            total += stage.work * rate
        return total

    @contextmanager
    def next(self) -> Iterator[Stage]:
        """Tell of the next stage, and time it."""
        stage, began = self.stages[self.done], time.monotonic()
        told = f"{clock(self.spent())} spent, about {clock(self.left())} left"
        self.progress.say(f"[{self.done + 1}/{len(self.stages)}] {stage.title}; {told}")
        yield stage
        self._spent[stage.kind] += time.monotonic() - began
        self._work[stage.kind] += stage.work
        self.done += 1
