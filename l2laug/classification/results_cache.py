"""Finished trainings in a small file, so that none is done twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from l2laug.classification.predictions import Labels
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

    def find(self, key: str) -> Labels | None:
        """The guesses of the training with this key, if it is done."""
        row = self.rows.get(key)
        return None if row is None else np.array(row["guesses"], dtype=np.int64)

    def keep(self, key: str, about: Mapping[str, object], guesses: Labels) -> None:
        """Write down a finished training.

        Args:
            key: hash of everything that its guesses depend on.
            about: for the reader of the file.
            guesses: ``(M,)``.

        Raises:
            OutputError: the file can't be written.
        """
        self.rows[key] = {"key": key, **about, "guesses": guesses.tolist()}
        if self.path is not None:
            write_text(self.path, "".join(json.dumps(row) + "\n" for row in self.rows.values()))


def _parse(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    whole = isinstance(row, dict) and isinstance(row.get("key"), str) and row.get("guesses")
    return row if whole else None
