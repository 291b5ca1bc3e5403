"""What augment plans and did, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

ROLES = {"rare": "filled", "base": "left as it is"}


def plan_table(plan: dict[str, Any]) -> list[str]:
    """The lines of a plan for a terminal.

    Args:
        plan: as :meth:`AugmentPlan.to_json` gives it.
    """
    splits = list(plan["splits"])
    images = ", ".join(f"{count} to {_use(s)}" for s, count in plan["splits"].items())
    lines = [f"{plan['dataset']}: {plan['layout']}, {images}", f"rare: {plan['rule']}"]
    if plan["tested_on"]:
        lines.append(f"tested on: {plan['tested_on']}")
    rows = [["class", *splits, "after", "learned", "tested", "role"]]
    for c in plan["classes"]:
        counts = [str(c["images"][s]) for s in splits]
        numbers = [str(c["target"]), str(c["learned"]), str(c["tested"])]
        rows.append([c["name"], *counts, *numbers, ROLES[c["role"]]])
    return [*lines, *columns(rows), *(f"note: {note}" for note in plan["notes"])]


def _use(split: str) -> str:
    return {"train": "learn from", "val": "validate on", "test": "test on"}.get(split, split)


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of equal length with their columns aligned: the first and last left, numbers right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    last = len(widths) - 1
    return [
        "  ".join(
            cell.ljust(w) if i in (0, last) else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
