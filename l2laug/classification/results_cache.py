"""Finished trainings in a small file, so that none is done twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from l2laug.classification.predictions import Answers
from l2laug.core.files import write_text


class ResultsCache:
    """JSON lines of a training's key and what it saw in the test images.

    Args:
        path: the file; read if it is there. Lines that can't be read count as never written.
            ``None`` keeps nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.rows: dict[str, dict[str, Any]] = {}
        if path is not None and path.is_file():
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                row = _parse(line)
                if row is not None:
                    self.rows[row["key"]] = row

    def find(self, key: str) -> Answers | None:
        """What the training with this key said, if it is done."""
        row = self.rows.get(key, {})
        if not row.get("guesses"):
            return None
        return Answers(np.array(row["guesses"], np.int64), np.array(row["margins"], np.float64))

    def find_loss(self, key: str) -> float | None:
        """The loss of the training with this key, if it was tested on held-out training images."""
        loss = self.rows.get(key, {}).get("loss")
        return None if loss is None else float(loss)

    def keep(self, key: str, about: Mapping[str, object], answers: Answers) -> None:
        """Write down a finished training.

        Args:
            key: hash of everything that its answers depend on.
            about: for the reader of the file.
            answers: of ``M`` test images.

        Raises:
            OutputError: the file can't be written.
        """
        said = {"guesses": answers.guesses.tolist(), "margins": answers.margins.tolist()}
        self._keep({"key": key, **about, **said})

    def keep_loss(self, key: str, about: Mapping[str, object], loss: float) -> None:
        """Write down the loss of a training that only served to choose a setting.

        Args:
            key: hash of everything that it depends on.
            about: for the reader of the file.
            loss: of held-out training images.

        Raises:
            OutputError: the file can't be written.
        """
        self._keep({"key": key, **about, "loss": loss})

    def _keep(self, row: dict[str, Any]) -> None:
        self.rows[row["key"]] = row
        if self.path is not None:
            write_text(self.path, "".join(json.dumps(row) + "\n" for row in self.rows.values()))


def _parse(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    whole = isinstance(row, dict) and isinstance(row.get("key"), str)
    whole = whole and (
        (row.get("guesses") and row.get("margins")) or isinstance(row.get("loss"), float)
    )
    return row if whole else None
