"""Scores as Markdown tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields

import numpy as np

from l2laug.evaluation.held_out_scores import HeldOutScores


def score_table(results: Mapping[str, Sequence[HeldOutScores]]) -> str:
    """Scores as a Markdown table, mean and standard deviation over the seeds."""
    columns = [f.name for f in fields(HeldOutScores)]
    lines = [
        "| images | " + " | ".join(c.replace("_", " ") for c in columns) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for name, scores in results.items():
        cells = []
        for column in columns:
            values = [getattr(s, column) for s in scores]
            cells.append(_cell(values))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(values: Sequence[float | None]) -> str:
    known = [v for v in values if v is not None]
    return f"{np.mean(known):.3f} ± {np.std(known):.3f}" if known else "-"
