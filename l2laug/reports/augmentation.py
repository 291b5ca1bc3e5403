"""What augment plans and did, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

NOT_MEASURED = "not measured"
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


def render(result: dict[str, Any]) -> str:
    """The report that a person reads; every number comes from ``result``."""
    from l2laug.reports.tables import markdown_table  # with it come libraries that take seconds

    head, *rows = result_rows(result)
    plan = result["plan"]
    lines = [
        f"# {plan['dataset']}, augmented",
        "",
        outcome(result),
        "",
        *markdown_table(head, rows),
        "",
        f"Rare: {plan['rule']}. Layout: {plan['layout']}.",
        "",
        "The verdict compares a classifier trained with samples with the best training without "
        "them; in brackets the 95 % interval of the change of the class's F1.",
        "",
        *[f"- {note}" for note in result["notes"]],
    ]
    lines += [f"- {c['name']}: {n}" for c in _measured(result) for n in c["measured"]["notes"]]
    if result["dropped"]:
        lines += ["", f"{len(result['dropped'])} objects left their image when it was changed:", ""]
        lines += [
            f"- {d['file']}: {d['label']}, {d['share']:.0%} of it is left"
            for d in result["dropped"]
        ]
    if result["mirrored"]:
        lines += ["", f"{result['mirrored']} objects are seen once more, mirrored at a border."]
    return "\n".join(lines) + "\n"


def outcome(result: dict[str, Any]) -> str:
    """What was added, or that nothing was, in a sentence."""
    if result["added"]:
        return f"{result['added']} images were added; train as augmentation.py says."
    arm, words = result["augmentation"], {c["measured"]["word"] for c in _measured(result)}
    if not words - {NOT_MEASURED}:
        why = "nothing could be measured" if words else "no class is rare"
        return (
            f"Nothing was added: {why}. augmentation.py and recipe.json are {arm} augmentation at "
            "its usual strength, not found to be best."
        )
    return (
        f"Nothing was added. The best training without samples is {arm}: augmentation.py and "
        "recipe.json say how."
    )


def result_rows(result: dict[str, Any]) -> list[list[str]]:
    """A table of the classes before and after, its head first."""
    objects = any("objects_before" in c for c in result["classes"])
    head = ["class", "before", "drawn", "after"]
    rows = [[*head, *(["objects before", "after"] if objects else []), "verdict"]]
    for c in result["classes"]:
        cells = [c["name"], str(c["before"]), str(c["drawn"]), str(c["after"])]
        if objects:
            cells += [str(c["objects_before"]), str(c["objects_after"])]
        rows.append([*cells, verdict_cell(c.get("measured"))])
    return rows


def verdict_cell(measured: dict[str, Any] | None) -> str:
    """A verdict with its interval."""
    if measured is None:
        return ""
    if measured["word"] == NOT_MEASURED:
        return NOT_MEASURED
    low, high = measured["low"], measured["high"]
    return f"{measured['word']} ({measured['difference']:+.3f}, {low:+.3f} to {high:+.3f})"


def _measured(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [c for c in result["classes"] if "measured" in c]
