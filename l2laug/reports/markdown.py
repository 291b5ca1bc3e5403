"""A report as Markdown, from the plain data of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from l2laug.reports.tables import markdown_table
from l2laug.reports.verdicts import markdown_section, verdict_lines

ABOUT_SCORES = (
    "In brackets: the 5th to 95th percentile over random halves of the real images; for copies the "
    "95% interval. The column of real images is the real-vs-real baseline: the score of real "
    "images against other real images at the same set sizes. 'By chance' is where a score lies in "
    "95 of 100 cases if samples and real images are of one distribution."
)
NEAR_IDENTICAL = ("image", "stands in", "near-identical to", "which stands in", "turned")
MOST_NEAR_IDENTICAL = 50
FID = "fid"
ABOUT_FID = (
    "FID compares means and covariances alone, and with fewer images than features most of it is "
    "bias: at such sizes it reads real images as different in one of four cases, and tells neither "
    "good generators apart nor copies from new images."
)
COMPARABLE = "Scores compare only with those of the same extractor and set sizes."


def render(evaluation: dict[str, Any]) -> str:
    """The report that a person reads; every number comes from ``evaluation``."""
    counts, extractor = evaluation["counts"], evaluation["extractor"]
    lines = [f"# {evaluation['class_name']}: are the samples any good?", ""]
    for line in verdict_lines(evaluation):
        lines += [f"**{line}**", ""]
    lines += [
        f"{counts['samples']} samples, {counts['support']} support images, "
        f"{counts['real_held_out']} real images of the class held out.",
        "",
    ]
    if evaluation["measures"]:
        head = ("score", "samples", "real images", "set sizes", "reading")
        lines += [
            *markdown_table(head, table_rows(evaluation["measures"])),
            "",
            *[f"<sub>{line}</sub>\n" for line in small_print(evaluation["measures"])],
            ABOUT_SCORES,
            "",
            f"Features: {extractor['name']}, SHA-256 {extractor['sha256'][:12]}, resizing: "
            f"{extractor['resizing']}. {COMPARABLE}",
        ]
    lines += ["", *[f"- {note}" for note in evaluation["notes"]], ""]
    lines += markdown_section(evaluation["verdicts"], counts)
    if rows := near_identical_rows(evaluation["near_identical"]):
        lines += ["## Near-identical images", "", *markdown_table(NEAR_IDENTICAL, rows), ""]
    return "\n".join(lines)


def near_identical_rows(found: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """A row for each image that is near-identical to another one, some dozens at most."""
    rows: list[tuple[str, ...]] = [
        (one["file"], one["side"], one["other"], one["other_side"], one["symmetry"] or "as it is")
        for one in found[:MOST_NEAR_IDENTICAL]
    ]
    if len(found) > len(rows):
        more = f"{len(found) - len(rows)} more are in report.json"
        rows.append((more, "", "", "", ""))
    return rows


def table_rows(measures: Mapping[str, dict[str, Any]]) -> list[tuple[str, str, str, str, str]]:
    """A row for each score but FID, which :func:`small_print` tells of."""
    return [cells_of(measure) for name, measure in measures.items() if name != FID]


def small_print(measures: Mapping[str, dict[str, Any]]) -> list[str]:
    """FID, if it was measured, and what it can't tell."""
    if FID not in measures:
        return []
    name, value, baseline, sizes, words = cells_of(measures[FID])
    return [f"{name.upper()} {value}, real images {baseline}, {sizes}: {words}. {ABOUT_FID}"]


def measure_line(measure: dict[str, Any]) -> str:
    """One measure for a terminal: the samples' score, its baseline and their reading."""
    said = f"{measure['name']}: {measure['value']:.4g}"
    if measure["baseline"] is not None:
        said += f" (real images {measure['baseline']:.4g})"
    said += f", {measure['samples']} against {measure['real']} images: {measure['reading']}"
    said += _chance(measure)
    return f"{said}. Too few. {measure['too_small']}" if measure["too_small"] else f"{said}."


def cells_of(measure: dict[str, Any]) -> tuple[str, str, str, str, str]:
    """A measure's row: name, score of the samples, baseline, set sizes and reading."""
    words = measure["reading"] + _chance(measure)
    if measure["too_small"]:
        words = f"too few images: {measure['too_small']} So far: {words}"
    return (
        measure["name"],
        _with_range(measure["value"], measure["low"], measure["high"]),
        _with_range(measure["baseline"], measure["baseline_low"], measure["baseline_high"]),
        f"{measure['samples']} with {measure['real']} real",
        words,
    )


def _chance(measure: dict[str, Any]) -> str:
    """Where a score lies by chance, of those of which it is known."""
    low, high = measure["chance_low"], measure["chance_high"]
    return "" if low is None else f" (by chance {low:.3g} to {high:.3g})"


def _with_range(value: float | None, low: float | None, high: float | None) -> str:
    return "-" if value is None else f"{value:.4g} ({low:.3g} to {high:.3g})"
