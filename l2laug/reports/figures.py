"""The pictures of a report: samples, nearest pairs, rejected draws, paths through the latents."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from l2laug.core.arrays import Pixels
from l2laug.data.images.contact_sheet import sheet
from l2laug.evaluation.copies import nearest_rows
from l2laug.evaluation.samples import Samples
from l2laug.metrics.copies import Copies
from l2laug.sampling.sampler import Sampler, latent

SHOWN = 60  # on a sheet
COLUMNS = 10
PATHS, STEPS = 3, 9
LOOKED_AT = 256  # first tries, for those that were rejected
WORST = 20


@dataclass(frozen=True)
class Picture:
    """One picture and what it shows.

    Attributes:
        title: a heading.
        caption: for those who see it.
        alt: for those who don't.
        uri: the PNG itself as a ``data:`` URI.
        width, height: in pixels.
    """

    title: str
    caption: str
    alt: str
    uri: str
    width: int
    height: int


def gather(
    name: str,
    sampler: Sampler,
    drawn: Samples,
    support: Pixels,
    others: Pixels,
    copies: Copies | None,
    seed: int,
    *,
    private: bool = False,
) -> list[Picture]:
    """Every picture of a report that there is something to show on.

    Args:
        name: of the rare class.
        sampler: the adapted model.
        drawn: its samples.
        support: the images it was adapted from.
        others: real images held out.
        copies: what was found of them, if anything.
        seed: of what is drawn for the report alone.
        private: show no real image.
    """
    if private:
        support, others, copies = support[:0], others[:0], None
    random = np.random.default_rng(seed)
    found = [
        _some(title, what, name, pixels, count, random)
        for title, what, pixels, count in (
            (
                "Support images",
                "real images that the model was adapted from",
                support,
                len(support),
            ),
            ("Samples", "samples", drawn.kept, len(drawn)),
            ("Real images", "real images that were held out", others, len(others)),
        )
        if len(pixels)
    ]
    if copies is not None:
        found.append(
            _picture(
                "Nearest pairs",
                "Support images on the left, the samples nearest to them on the right, nearest "
                f"first. The nearest lies at distance {copies.distances.min():.2f}; under "
                f"{copies.limit:.2f} a sample counts as a copy.",
                f"Support images of {name}, each beside the samples nearest to it",
                sheet(nearest_rows(copies, drawn, support), given=1),
            )
        )
    return found + _drawn_for_the_report(name, sampler, seed)


def _drawn_for_the_report(name: str, sampler: Sampler, seed: int) -> list[Picture]:
    """Paths through the latents, and what was rejected."""
    rows = [
        _path(sampler, row, seed) for row in range(min(PATHS, len(sampler.card.support_hashes)))
    ]
    found = [
        _picture(
            "Paths through the latents",
            "Each row is drawn from one support image, along the great circle between two random "
            "latents. Smooth change is a good sign; jumps or no change at all are a bad one.",
            f"{len(rows)} rows of {STEPS} samples of {name} that change step by step",
            sheet(rows),
        )
    ]
    rejected = rejected_draws(sampler, seed)
    if len(rejected):
        found.append(
            _picture(
                "Rejected draws",
                f"Of {LOOKED_AT} draws {len(rejected)} were below the acceptance threshold; sample "
                "draws such images anew.",
                f"{min(len(rejected), WORST)} draws that were rejected",
                sheet(_lines(rejected[:WORST])),
            )
        )
    return found


def slerp(
    start: NDArray[np.float32], end: NDArray[np.float32], share: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Points on the great circle from ``start`` to ``end`` ``(L,)``, their lengths in proportion.

    Args:
        start: ``(L,)``.
        end: ``(L,)``, not opposite to it.
        share: ``(N,)``, 0 for the start and 1 for the end.

    Returns:
        ``(N, L)``.
    """
    one, other = start / np.linalg.norm(start), end / np.linalg.norm(end)
    angle = np.arccos(np.clip(one @ other, -1, 1))
    t = share[:, None]
    if angle < 1e-6:
        direction = np.repeat(one[None], len(t), 0)
    else:
        direction = (np.sin((1 - t) * angle) * one + np.sin(t * angle) * other) / np.sin(angle)
    length = (1 - t) * np.linalg.norm(start) + t * np.linalg.norm(end)
    result: NDArray[np.float32] = (direction * length).astype(np.float32)
    return result


def rejected_draws(sampler: Sampler, seed: int) -> Pixels:
    """Those of the first tries at ``LOOKED_AT`` images that ``sample`` rejects, the worst first."""
    rows = np.arange(LOOKED_AT) % len(sampler.card.support_hashes)
    latents = np.stack([latent(seed, i, 0, sampler.card.latent) for i in range(LOOKED_AT)])
    pixels, similarity = sampler.decode(rows, latents)
    order = np.argsort(similarity, kind="stable")
    return pixels[order[: int((similarity < sampler.card.acceptance_threshold).sum())]]


def _path(sampler: Sampler, row: int, seed: int) -> list[Pixels]:
    start, end = (latent(seed, row, number, sampler.card.latent) for number in (0, 1))
    points = slerp(start, end, np.linspace(0, 1, STEPS, dtype=np.float32))
    return list(sampler.decode([row] * STEPS, points)[0])


def _some(
    title: str, what: str, name: str, pixels: Pixels, count: int, random: np.random.Generator
) -> Picture:
    shown = pixels[np.sort(random.permutation(len(pixels))[:SHOWN])]
    of_all = "all there are" if len(shown) == count else f"of {count}, taken at random"
    return _picture(
        title,
        f"{len(shown)} {what}, {of_all}.",
        f"{len(shown)} {what} of {name}",
        sheet(_lines(shown)),
    )


def _lines(pixels: Pixels) -> list[list[Pixels]]:
    return [list(pixels[i : i + COLUMNS]) for i in range(0, len(pixels), COLUMNS)]


def _picture(title: str, caption: str, alt: str, image: Image.Image) -> Picture:
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    uri = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    return Picture(title, caption, alt, uri, image.width, image.height)
