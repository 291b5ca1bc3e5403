"""A progress that keeps what is said."""

from __future__ import annotations

from l2laug.core.progress import Progress


class Listening(Progress):
    """Keeps what is said."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.said: list[str] = []

    def say(self, line: str) -> None:
        self.said.append(line)
