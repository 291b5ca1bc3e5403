"""The figure of the paper's experiment: real images and draws of every method, a row a class."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from l2laug.data.images.contact_sheet import save_sheet
from l2laug.evaluation.bundles.held_out import Split
from l2laug.reports.paper.tables import REAL

FIGURE_ROWS, FIGURE_DRAWS = 10, 2


def draw_paper_figure(out: Path, split: Split, names: list[str]) -> None:
    """A row for each of some classes: an image shown, one held out, two draws of each method.

    The draws are in ``out/draws``, an array of each method.
    """
    drawn = [np.load(out / "draws" / f"{name}.npy") for name in names if name != REAL]
    rows = []
    for label in range(min(FIGURE_ROWS, len(split.support.classes))):
        shown, other = (
            part.pixels[np.flatnonzero(part.labels == label)[0]]
            for part in (split.support, split.reference)
        )
        mine = [p for pixels in drawn for p in pixels[label * FIGURE_DRAWS :][:FIGURE_DRAWS]]
        rows.append([shown, other, *mine])
    save_sheet(out / "figure.png", rows, given=2)
