"""The share of copies as one of a report's scores, and a sheet of the nearest pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np

from l2laug.core.arrays import Pixels
from l2laug.data.images.contact_sheet import save_sheet
from l2laug.evaluation.scores import Measure
from l2laug.metrics.copies import FEWEST, Copies

NOT_CHANCE = 0.03  # how far over TAIL a limit that was learned from few images may lead
MANY = "more samples are close to support images than real images are"
GUESSED = (
    f"It takes {FEWEST} held-out images: learned from the support set alone the limit is "
    "conservative, and altered copies may be missed."
)
SHEET = 8  # support images, and samples of each


def copies_measure(copies: Copies, sheet: str = "copies.png") -> Measure:
    """The share of copies as one of a report's scores; ``sheet`` names the picture of them."""
    drawn, real = copies.drawn, copies.real
    many = drawn.low > max(NOT_CHANCE, real.value if real else 0)
    return Measure(
        name="copies",
        value=drawn.value,
        low=drawn.low,
        high=drawn.high,
        baseline=None if real is None else real.value,
        baseline_low=None if real is None else real.low,
        baseline_high=None if real is None else real.high,
        samples=drawn.count,
        real=copies.reference_images,
        extractor="pixels, means of two by two",
        sha256="",
        resizing="none",
        reading=f"{MANY}: see {sheet}" if many else "not more than among real images",
        too_small="" if copies.held_out else GUESSED,
    )


class Images(Protocol):
    """Images ``(C, S, S)`` by their number: an array of them, or one that reads them from files."""

    def __getitem__(self, i: int, /) -> Pixels: ...


def save_nearest(path: Path, copies: Copies, samples: Images, support: Pixels) -> None:
    """Save a sheet of the worst pairs: support images on the left, their nearest samples beside."""
    save_sheet(path, nearest_rows(copies, samples, support), given=1)


def nearest_rows(copies: Copies, samples: Images, support: Pixels) -> list[list[Pixels]]:
    """The worst pairs: in each row a support image and the samples that are nearest to it.

    Rows and what stands in them are sorted by distance, the nearest first.
    """
    order = np.argsort(copies.distances, kind="stable")
    rows: dict[int, list[Pixels]] = {}
    for i in order:
        known = int(copies.nearest[i])
        if known not in rows and len(rows) < SHEET:
            rows[known] = [support[known]]
        if known in rows and len(rows[known]) <= SHEET:
            rows[known].append(samples[int(i)])
    return list(rows.values())
