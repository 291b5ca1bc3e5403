"""A report as one HTML file that needs nothing else: no network, no scripts, pictures inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
import numpy as np

from l2laug.classification.predictions import condense
from l2laug.reports.figures import Picture
from l2laug.reports.markdown import (
    ABOUT_ARMS,
    ABOUT_SCORES,
    COLUMNS,
    COMPARABLE,
    cells_of,
    training_rows,
    verdict_line,
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
    page = jinja2.Environment(
        loader=jinja2.PackageLoader("l2laug.reports", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template("report.html.j2")
    classifier = evaluation["classifier"]
    return page.render(
        evaluation=evaluation,
        verdict=verdict_line(evaluation) if classifier else "",
        word=classifier["verdict"]["word"] if classifier else "",
        measures=[cells_of(m) for m in evaluation["measures"].values()],
        columns=[c.replace("_", " ") for c in COLUMNS],
        arms=training_rows(classifier) if classifier else [],
        about_arms=ABOUT_ARMS.replace("`", ""),
        about_scores=ABOUT_SCORES,
        comparable=COMPARABLE,
        confusions=_confusions(evaluation) if classifier else [],
        pictures=pictures,
        curves=curves,
        frame=(WIDTH, HEIGHT),
    )


def curves_of(evaluation: Mapping[str, Any], options: Mapping[str, Any]) -> list[Curve]:
    """The curves of an evaluation and of the options of its run, as far as there is something."""
    found = []
    looks, best = options.get("evaluations") or [], options.get("kept")
    if len(looks) > 1 and best:
        kept = (float(best["steps"]), "kept")
        for key, title, name in (
            ("recognised", "Class accuracy of draws during target training", "share"),
            ("diversity", "Diversity of draws", "relative to that expected of real images"),
            ("distance", "Distance of draws from the expected distribution", "Frechet distance"),
        ):
            points = [(float(look["steps"]), float(look[key])) for look in looks]
            found.append(Curve(title, "steps", name, points, kept))
    classifier = evaluation["classifier"]
    if classifier and classifier["study"]["sweep"]:
        shares: dict[float, list[float]] = {}
        for outcome in classifier["outcomes"]:
            if outcome["arm"] in classifier["compared"].values():
                shares.setdefault(outcome["share"], []).append(outcome["rare_f1"])
        means = [(share, float(np.mean(values))) for share, values in sorted(shares.items())]
        best = (float(classifier["sweep"]["best"]), "best")
        found.append(Curve("F1 by share of samples", "share of samples", "F1", means, best))
    return found


def _confusions(evaluation: Mapping[str, Any]) -> list[dict[str, Any]]:
    classifier, rare = evaluation["classifier"], evaluation["class_name"]
    usual, found = classifier["study"]["share"], []
    for arm in classifier["compared"].values():
        mine = [
            np.array(o["confusion"])
            for o in classifier["outcomes"]
            if o["arm"] == arm and o["share"] in (0, usual)
        ]
        if mine:
            classes = classifier["classes"]
            names, matrix = condense(np.mean(mine, 0), classes, rare, MOST_CLASSES)
            rows = [(n, [f"{v:.3g}" for v in row]) for n, row in zip(names, matrix, strict=True)]
            found.append({"arm": arm, "names": names, "rows": rows, "rare": rare})
    return found
