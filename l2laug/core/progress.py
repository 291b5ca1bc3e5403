"""Progress with an estimate of the time left: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Advance(Protocol):
    """Tell a running task that ``steps`` more are done; ``note`` replaces the text behind it."""

    def __call__(self, steps: int = 1, note: str = "") -> None: ...


class Progress:
    """Shows tasks and notes on standard error; ``quiet`` shows nothing.

    Args:
        quiet: show nothing at all.
        every: seconds between the lines printed where there is no terminal.
    """

    def __init__(self, *, quiet: bool = False, every: float = 15.0) -> None:
        self.quiet = quiet
        self.every = every

    def say(self, line: str) -> None:
        """Print one line for the person watching."""
        if not self.quiet:
            print(printable(line), file=sys.stderr, flush=True)

    @contextmanager
    def task(
        self, title: str, total: int, done: int = 0, seconds: float | None = None
    ) -> Iterator[Advance]:
        """Show one task.

        Args:
            title: what it is.
            total: its steps.
            done: those of them that were done before.
            seconds: after which it ends, whatever is done; then it shows the steps that there will
                be time for.
        """
        task = _Steps(total, done, seconds)
        if self.quiet:
            yield _Nothing()
        elif sys.stderr.isatty():
            with self._bar(title, task) as advance:
                yield advance
        else:
            yield _Lines(title, task, self.every)

    @contextmanager
    def _bar(self, title: str, task: _Steps) -> Iterator[Advance]:
        from rich import progress
        from rich.console import Console

        columns = (
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TimeRemainingColumn(),
            progress.TextColumn("{task.fields[note]}"),
        )
        with progress.Progress(*columns, console=Console(stderr=True)) as bars:
            key = bars.add_task(title, total=task.total, completed=task.done, note="")

            def advance(steps: int = 1, note: str = "") -> None:
                task.done += steps
                bars.update(key, completed=task.done, total=task.reachable(), note=note)

            yield advance


class _Nothing:
    """Shows nothing."""

    def __call__(self, steps: int = 1, note: str = "") -> None: ...


class _Steps:
    """How far a task is; see :meth:`Progress.task` for the arguments."""

    def __init__(self, total: int, done: int, seconds: float | None) -> None:
        self.total, self.done, self.seconds = total, done, seconds
        self.first, self.start = done, time.monotonic()

    def left(self) -> float:
        """Seconds until all steps are done, or time is up."""
        spent = time.monotonic() - self.start
        left = spent / max(self.done - self.first, 1) * (self.total - self.done)
        return left if self.seconds is None else min(left, max(self.seconds - spent, 0.0))

    def reachable(self) -> int:
        """The total, or as many steps as there is time for at this pace."""
        taken, spent = self.done - self.first, time.monotonic() - self.start
        if self.seconds is None or not (taken and spent):
            return self.total
        return min(self.total, self.done + round(self.left() / spent * taken))


class _Lines:
    """A line now and then: what, how far, how long still."""

    def __init__(self, title: str, task: _Steps, every: float) -> None:
        self.title, self.task, self.every = title, task, every
        self.last = task.start

    def __call__(self, steps: int = 1, note: str = "") -> None:
        task = self.task
        task.done += steps
        now = time.monotonic()
        if now - self.last < self.every and task.done < task.total:
            return
        self.last = now
        spent, left = now - task.start, task.left()
        line = f"{self.title}: {task.done}/{task.reachable()}, {clock(spent)} spent, "
        print(f"{line}{clock(left)} left  {note}".rstrip(), file=sys.stderr, flush=True)


def printable(text: str) -> str:
    """A text with control characters escaped, but for line breaks and tabs.

    Names of files come from anywhere: what a terminal would obey is shown in its place.
    """
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)


def clock(seconds: float) -> str:
    """Seconds as ``42 s``, ``3:07`` or ``1:02:03``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
