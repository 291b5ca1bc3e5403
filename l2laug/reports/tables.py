"""Markdown tables, and the numbers in their cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from l2laug.evaluation.bundles.held_out_scores import HeldOutScores
from l2laug.metrics.intervals import mean_and_deviation


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table; what is in a cell can't break it."""
    lines = [_line(head), "|---" * len(head) + "|"]
    return lines + [_line(row) for row in rows]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def mean_cell(
    values: Sequence[float] | NDArray[np.float64], form: str = ".3f", deviation_form: str = ""
) -> str:
    """Mean and standard deviation (over N - 1) of a number over the seeds.

    Args:
        values: of each seed; of a single one no deviation can be told.
        form: how the mean is written.
        deviation_form: how the deviation is, if otherwise.
    """
    mean, deviation = mean_and_deviation(values)
    told = "-" if deviation is None else f"{deviation:{deviation_form or form}}"
    return f"{mean:{form}} ± {told}"


def score_table(results: Mapping[str, Sequence[HeldOutScores]]) -> str:
    """Scores as a Markdown table, mean and standard deviation over the seeds."""
    columns = [f.name for f in fields(HeldOutScores)]
    rows = []
    for name, scores in results.items():
        cells = []
        for column in columns:
            known = [v for s in scores if (v := getattr(s, column)) is not None]
            cells.append(mean_cell(known) if known else "-")
        rows.append([name, *cells])
    head = ["images", *(c.replace("_", " ") for c in columns)]
    return "\n".join(markdown_table(head, rows))
