"""The log of a training, ``metrics.jsonl``: its losses and evaluations, a line now and then."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from l2laug.core.files import unwritable, write_text


class TrainingLog:
    """Lines of JSON, one object each, appended as a training goes on.

    Every line has ``phase`` (``feature_net``, ``prototype_classifier``, ``source``, ``weak``,
    ``gems``, ``base``, ``target``, ``target_gems`` or ``changes``), ``step`` (how many steps of
    that phase are done) and ``seconds`` (spent on that phase). Beside them it has one of

    - ``losses``: by name, the mean since the last such line. What no step in between had, as a
      penalty that is taken now and then, is left out.
    - ``evaluation``: what early stopping saw: ``distance``, ``diversity``, ``class_accuracy``,
      ``copies`` (null where it can't be told) and ``acceptable``.

    Args:
        path: the file; the lines that it holds already are gone on from. Without one the lines
            stay in memory.
        before: lines to begin with, of what was trained before.
    """

    def __init__(self, path: Path | None = None, before: Sequence[Mapping[str, Any]] = ()) -> None:
        self.path = path
        written = [] if path is None else read_training_log(path)
        self.lines: list[dict[str, Any]] = [*map(dict, before), *written]
        self._phase, self._start = "", time.monotonic()

    def begin(self, phase: str, step: int = 0) -> None:
        """Go on with a phase after so many steps.

        What a training that was cut off wrote of later steps is taken back: they come again.

        Raises:
            OutputError: the file can't be written.
        """
        self.lines = [
            line for line in self.lines if line["phase"] != phase or 0 < line["step"] <= step
        ]
        if self.path is not None:
            write_text(self.path, "".join(map(_text, self.lines)))
        spent = max((x["seconds"] for x in self.lines if x["phase"] == phase), default=0.0)
        self._phase, self._start = phase, time.monotonic() - spent

    def write(self, step: int, **found: Mapping[str, Any]) -> None:
        """Append a line of the phase that was begun last; ``found`` is losses or an evaluation.

        Raises:
            OutputError: the file can't be written.
        """
        seconds = round(time.monotonic() - self._start, 3)
        line = {"phase": self._phase, "step": step, "seconds": seconds, **found}
        self.lines.append(line)
        if self.path is None:
            return
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(_text(line))
        except OSError as error:
            raise unwritable(self.path, error) from error


def read_training_log(path: Path) -> list[dict[str, Any]]:
    """The lines of a log, as plain data; none where there is no such file.

    A line that a kill tore is left out.
    """
    lines = []
    with suppress(FileNotFoundError):
        for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError):
                lines.append(json.loads(text))
    return lines


def _text(line: Mapping[str, Any]) -> str:
    return json.dumps(line, ensure_ascii=False) + "\n"
