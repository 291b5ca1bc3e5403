"""A report as one HTML file that needs nothing else: no network, no scripts, pictures inside."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
import numpy as np

from l2laug.classification.predictions import condense
from l2laug.reports.figures import Picture
from l2laug.reports.markdown import (
    ABOUT_SCORES,
    COMPARABLE,
    NEAR_IDENTICAL,
    near_identical_rows,
    small_print,
    table_rows,
)
from l2laug.reports.verdicts import (
    ABOUT_ARMS,
    ABOUT_RECALLS,
    about_head,
    arms_table,
    recalls_table,
    verdict_lines,
)

WIDTH, HEIGHT = 300.0, 110.0  # of a curve's frame, in the units of its view box
MOST_CLASSES = 12  # of a confusion matrix


@dataclass(frozen=True)
class Curve:
    """A line through a few points, drawn to scale.

    Attributes:
        title: what is shown.
        x_name, y_name: of the axes.
        points: ``(x, y)``, sorted by x, two or more.
        marked: an x to mark, and what it is, if any.
    """

    title: str
    x_name: str
    y_name: str
    points: Sequence[tuple[float, float]]
    marked: tuple[float, str] | None = None

    @property
    def low(self) -> float:
        """The bottom of the frame."""
        return min(y for _, y in self.points)

    @property
    def high(self) -> float:
        """Its top; never the bottom."""
        top = max(y for _, y in self.points)
        return top if top > self.low else self.low + 1.0

    @property
    def line(self) -> str:
        """The points in the frame's own units."""
        return " ".join(f"{self.across(x):.1f},{self.down(y):.1f}" for x, y in self.points)

    def across(self, x: float) -> float:
        """How far from the left of the frame."""
        first, last = self.points[0][0], self.points[-1][0]
        return WIDTH * (x - first) / (last - first)

    def down(self, y: float) -> float:
        """How far from the top of the frame."""
        return HEIGHT * (self.high - y) / (self.high - self.low)


def render_html(
    evaluation: Mapping[str, Any], pictures: Sequence[Picture], curves: Sequence[Curve]
) -> str:
    """The page; every number in it comes from ``evaluation``.

    Args:
        evaluation: as plain data, see ``l2laug.commands.evaluate.Evaluation``.
        pictures: in the order to show them in.
        curves: likewise.
    """
    return _template().render(
        evaluation=evaluation,
        verdicts=verdict_lines(evaluation),
        word=_word(evaluation),
        measures=table_rows(evaluation["measures"]),
        small_print=small_print(evaluation["measures"]),
        near_identical=near_identical_rows(evaluation["near_identical"]),
        near_identical_head=NEAR_IDENTICAL,
        heads=[_head(entry, evaluation) for entry in evaluation["verdicts"]],
        about_arms=ABOUT_ARMS.replace("`", ""),
        about_recalls=ABOUT_RECALLS,
        about_scores=ABOUT_SCORES,
        comparable=COMPARABLE,
        pictures=pictures,
        curves=curves,
        frame=(WIDTH, HEIGHT),
        style=_style(),
        policy=_policy(),
    )


@cache
def _style() -> str:
    return "\n" + files("l2laug.reports").joinpath("report.css").read_text(encoding="utf-8")


@cache
def _policy() -> str:
    """What the page may load: the pictures in it and its one style, nothing else, no script."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'"
    )


@cache  # compiled once, however many reports are written
def _template() -> jinja2.Template:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("l2laug.reports", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template("report.html.j2")


def _word(evaluation: Mapping[str, Any]) -> str:
    """The verdict of all heads, ``unclear`` where they differ."""
    words = {entry["verdict"] for entry in evaluation["verdicts"]}
    return words.pop() if len(words) == 1 else "unclear"


def _head(entry: Mapping[str, Any], evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """One head's tables."""
    tables = []
    for caption, (head, rows) in (
        ("Trainings", arms_table(entry)),
        ("Recall of every class", recalls_table(entry)),
    ):
        tables.append({"caption": caption, "head": head, "rows": rows})
    return {
        "name": entry["head"],
        "about": about_head(entry, evaluation["counts"]),
        "tables": tables,
        "confusions": _confusions(entry, evaluation["class_name"]),
    }


def curves_of(options: Mapping[str, Any]) -> list[Curve]:
    """The curves of the options of a run, as far as there is something."""
    found = []
    looks, best = options.get("evaluations") or [], options.get("kept")
    if len(looks) > 1 and best:
        kept = (float(best["steps"]), "kept")
        for key, title, name in (
            ("class_accuracy", "Class accuracy of draws during target training", "share"),
            ("diversity", "Diversity of draws", "relative to that expected of real images"),
            ("distance", "Distance of draws from the expected distribution", "Frechet distance"),
        ):
            points = [(float(look["steps"]), float(look[key])) for look in looks if key in look]
            if len(points) > 1:  # another version's names may be others
                found.append(Curve(title, "steps", name, points, kept))
    return found


def _confusions(entry: Mapping[str, Any], rare: str) -> list[dict[str, Any]]:
    found = []
    for side, arm in (("without", entry["best_without"]), ("with", entry["best_with"])):
        matrix = np.array(entry["confusion"][side])
        names, matrix = condense(matrix, entry["classes"], rare, MOST_CLASSES)
        rows = [(n, [f"{v:.3g}" for v in row]) for n, row in zip(names, matrix, strict=True)]
        found.append({"arm": arm, "names": names, "rows": rows, "rare": rare})
    return found
