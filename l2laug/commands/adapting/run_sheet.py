"""What a finished model draws, shown beside its images; and that it draws something at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from l2laug.artifacts.names import MODEL
from l2laug.core.arrays import Pixels
from l2laug.core.errors import QualityError
from l2laug.data.image_set import ImageSet
from l2laug.data.images.contact_sheet import save_sheet
from l2laug.data.images.originals import resized
from l2laug.sampling.render import render, square
from l2laug.sampling.sampler import Sampler

SHEET_ROWS = 8
SHEET_DRAWS = 10
SHEET_SIDE = 128  # of a picture on it, at most
BLANK = 1.0  # grey levels of 255: standard deviation within an image


def draw_run_sheet(run: Path, support: ImageSet, *, private: bool = False) -> None:
    """``sheet.png``: each support image (the first eight) and what is drawn from it.

    Args:
        run: the run folder.
        support: the images.
        private: leave them out, show what is drawn alone.
    """
    sampler = Sampler(run / MODEL, device="cpu", max_side=2 * SHEET_SIDE)
    shown = min(SHEET_ROWS, len(support.pixels))
    channels, side = support.pixels.shape[1], support.pixels.shape[2]
    size = None
    if sampler.tells_changes:
        largest = max(max(o.size) for row in range(shown) if (o := sampler.original(row)))
        size = min(max(largest, side), SHEET_SIDE)
    rows: list[list[Pixels]] = []
    for row in range(shown):
        original = sampler.original(row)
        given = support.pixels[row]
        if size is not None and original is not None:
            pixels = resized(original.pixels, size, size)
            given = square(replace(original, pixels=pixels), max(channels, original.colours))
        rows.append([given])
    for turn in range(SHEET_DRAWS):
        for drawn in sampler.draw(shown, first=turn * len(support.pixels)):
            for k, row in enumerate(drawn.support):
                picture = render(sampler, drawn, k, size)
                rows[row].append(square(picture, max(channels, len(rows[row][0]))))
    most = max(len(row[0]) for row in rows)
    shown_rows = [row[1:] for row in rows] if private else rows
    save_sheet(
        run / "sheet.png",
        [[np.repeat(p, most // len(p), 0) for p in row] for row in shown_rows],
        given=0 if private else 1,
    )


def require_variety(run: Path) -> None:
    """Make sure that a finished model draws something, and not the same whatever the latent.

    Raises:
        QualityError: it does not.
    """
    sampler = Sampler(run / MODEL, device="cpu")
    rows = np.repeat(np.arange(min(SHEET_ROWS, len(sampler.card.support_hashes))), SHEET_DRAWS)
    latents = np.random.default_rng(0).standard_normal((len(rows), sampler.card.latent))
    drawn = sampler.decode(rows, latents.astype(np.float32))[0].astype(np.float32)
    blank = drawn.reshape(len(drawn), -1).std(1).max() < BLANK
    same = drawn.reshape(-1, SHEET_DRAWS, *drawn.shape[1:]).std(1).max() == 0
    if blank or same:
        what = "blank images" if blank else "one image of each of them, whatever the latent"
        raise QualityError(
            f"{sampler.card.class_name}: training has ended in a model that draws {what}.",
            "Lower target.learning_rate in the recipe, or use fewer steps.",
        )
