"""A comparison as Markdown and as a table for the terminal, from its plain data."""

from __future__ import annotations

from typing import Any

from l2laug.reports.markdown import COMPARABLE, measure_line
from l2laug.reports.tables import markdown_table

FEW = "*"


def render(comparison: dict[str, Any]) -> str:
    """The report that a person reads; every number comes from ``comparison``."""
    counts, extractor, sets = comparison["counts"], comparison["extractor"], comparison["sets"]
    head, *rows = _table(comparison, ranges=True)
    lines = [
        f"# {comparison['class_name']}: {len(sets)} sets of samples",
        "",
        f"{counts['samples']} samples of each, {counts['support']} support images, "
        f"{counts['real_held_out']} real images of the class held out.",
        "",
        *markdown_table(head, rows),
        "",
        "In brackets: the 5th to 95th percentile over random halves of the real images; for copies "
        "and the change of F1 the 95% interval. The last column is the real-vs-real baseline, the "
        "score of real images against other real images at the same set sizes. "
        f"{FEW}: too few images, see below.",
        "",
        f"Features: {extractor['name']}, SHA-256 {extractor['sha256'][:12]}, resizing: "
        f"{extractor['resizing']}. {COMPARABLE}",
        "",
        *[f"- {note}" for note in comparison["notes"]],
        "",
        "`comparison.png` shows support images in its first row, each set in one of the others.",
        "",
    ]
    for one in sets:
        lines += [f"## {one['name']}", "", f"{one['found']} images in {one['samples']}.", ""]
        lines += [f"- {measure_line(m)}" for m in one["measures"].values()]
        lines += [f"- {e['head']}: {note}" for e in one["verdicts"] for note in e["notes"]]
        lines.append("")
    return "\n".join(lines)


def terminal_table(comparison: dict[str, Any]) -> list[str]:
    """Lines of the table without ranges, its columns aligned."""
    rows = _table(comparison, ranges=False)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *rest in rows:
        cells = [f"{cell:>{width}}" for cell, width in zip(rest, widths[1:], strict=True)]
        lines.append("  ".join([f"{first:<{widths[0]}}", *cells]).rstrip())
    if any(FEW in line for line in lines):
        lines.append(f"{FEW} too few images for a reliable score: see the report")
    return lines


def _table(comparison: dict[str, Any], *, ranges: bool) -> list[list[str]]:
    sets = comparison["sets"]
    rows = [["", *(one["name"] for one in sets), "real images"]]
    for score in sets[0]["measures"]:
        of_score = [one["measures"][score] for one in sets]
        cells = [_cell(m, "", ranges) + FEW * bool(m["too_small"]) for m in of_score]
        rows.append([score, *cells, _cell(of_score[0], "baseline", ranges)])
    for i, entry in enumerate(sets[0]["verdicts"]):
        entries = [one["verdicts"][i] for one in sets]
        head, base = entry["head"], entry["best_without"]  # which is the same for all sets
        changes = (_change(e, ranges) for e in entries)
        rows.append([f"{head}: change of F1 over {base}", *changes, "-"])
        rows.append([f"{head}: best with samples", *(e["best_with"] for e in entries), "-"])
        rows.append([f"{head}: verdict", *(e["verdict"] for e in entries), "-"])
    return rows


def _cell(measure: dict[str, Any], what: str, ranges: bool) -> str:
    prefix = f"{what}_" if what else ""
    value = measure[what or "value"]
    if value is None:
        return "-"
    low, high = measure[f"{prefix}low"], measure[f"{prefix}high"]
    return f"{value:.4g}" + (f" ({low:.3g} to {high:.3g})" if ranges else "")


def _change(entry: dict[str, Any], ranges: bool) -> str:
    low, high = entry["interval"]
    return f"{entry['change']:+.3f}" + (f" ({low:+.3f} to {high:+.3f})" if ranges else "")
