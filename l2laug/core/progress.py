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
    def task(self, title: str, total: int, done: int = 0) -> Iterator[Advance]:
        """Show one task of ``total`` steps, ``done`` of them done before."""
        if self.quiet:
            yield _Nothing()
        elif sys.stderr.isatty():
            with self._bar(title, total, done) as advance:
                yield advance
        else:
            yield _Lines(title, total, done, self.every)

    @contextmanager
    def _bar(self, title: str, total: int, done: int) -> Iterator[Advance]:
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
            key = bars.add_task(title, total=total, completed=done, note="")

            def advance(steps: int = 1, note: str = "") -> None:
                bars.update(key, advance=steps, note=note)

            yield advance


class _Nothing:
    """Shows nothing."""

    def __call__(self, steps: int = 1, note: str = "") -> None: ...


class _Lines:
    """A line now and then: what, how far, how long still."""

    def __init__(self, title: str, total: int, done: int, every: float) -> None:
        self.title, self.total, self.done, self.every = title, total, done, every
        self.first = done
        self.start = self.last = time.monotonic()

    def __call__(self, steps: int = 1, note: str = "") -> None:
        self.done += steps
        now = time.monotonic()
        if now - self.last < self.every and self.done < self.total:
            return
        self.last = now
        spent = now - self.start
        left = spent / max(self.done - self.first, 1) * (self.total - self.done)
        line = f"{self.title}: {self.done}/{self.total}, {clock(spent)} spent, {clock(left)} left"
        print(f"{line}  {note}".rstrip(), file=sys.stderr, flush=True)


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
