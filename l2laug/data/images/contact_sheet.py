"""Contact sheets: many small images on one picture, for people to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from l2laug.core.arrays import Pixels
from l2laug.core.files import whole_file
from l2laug.data.images.image_io import to_picture

GAP = 2
MARK = 6


def save_sheet(path: Path, rows: Sequence[Sequence[Pixels]], *, given: int = 0) -> None:
    """Save what :func:`sheet` makes as a PNG."""
    picture = sheet(rows, given=given)
    with whole_file(path) as part:
        picture.save(part, "PNG")


def sheet(rows: Sequence[Sequence[Pixels]], *, given: int = 0) -> Image.Image:
    """Rows of images ``(C, S, S)`` as one picture, small images enlarged to 64 pixels or more.

    The first ``given`` images of each row stand apart, behind a wider gap: what was given on the
    left, what was drawn on the right.
    """
    channels, side, _ = rows[0][0].shape
    scale = max(1, -(-64 // side))
    cell = side * scale
    columns = max(len(row) for row in rows)
    width = columns * (cell + GAP) + GAP + (MARK if given else 0)
    canvas = np.full((channels, len(rows) * (cell + GAP) + GAP, width), 128, np.uint8)
    for r, row in enumerate(rows):
        for c, image in enumerate(row):
            y = GAP + r * (cell + GAP)
            x = GAP + c * (cell + GAP) + (MARK if given and c >= given else 0)
            canvas[:, y : y + cell, x : x + cell] = image.repeat(scale, 1).repeat(scale, 2)
    return to_picture(canvas)
