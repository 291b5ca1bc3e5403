"""The curves of a training, from the lines of its ``metrics.jsonl``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from l2laug.reports.html import Curve

NAMES = {"target": "Adapting", "target_gems": "Adapting with GEMs", "base": "Base classes"}
MOST_POINTS = 200  # of a curve


def training_curves(path: Path) -> list[Curve]:
    """A curve of each loss of each phase of which there are two points; none without the file.

    Args:
        path: lines of JSON with ``phase``, ``step`` and ``losses`` by name. Lines that were torn,
            or hold something else, are left out.
    """
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for line in _read(path):
        if not isinstance(losses := line.get("losses"), dict):
            continue
        for name, value in losses.items():
            if isinstance(value, int | float) and isinstance(line.get("step"), int):
                points = found.setdefault((str(line.get("phase")), name), [])
                points.append((float(line["step"]), float(value)))
    return [
        Curve(f"{NAMES.get(phase, phase)}: {name}", "steps", "loss", _thinned(sorted(points)))
        for (phase, name), points in found.items()
        if len({step for step, _ in points}) > 1
    ]


def _read(path: Path) -> list[Mapping[str, Any]]:
    lines: list[Mapping[str, Any]] = []
    with suppress(OSError):
        for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError):
                if isinstance(line := json.loads(text), dict):
                    lines.append(line)
    return lines


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Every so many of them, and the last, so that no curve has many more than it can show."""
    apart = -(-len(points) // MOST_POINTS)
    return [*points[:-1:apart], points[-1]]
