"""Near-identical images: one picture in another size, light, encoding or orientation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from l2laug.core.arrays import Pixels
from l2laug.data.images.perceptual_hash import SYMMETRIES, near_pairs, perceptual_hashes, symmetric

# Of 4.5 million pairs of handwritten characters, all drawn anew, 5 differ in 24 bits or fewer: dots
# and single strokes. Of 22 near-identical pairs that the eye finds among 479 photographs of weather
# 16 do, 21 in 56 or fewer, of which 20 are as similar as this.
SURE, PERHAPS = 24, 56
SIMILAR = 0.9  # cosine of general features that tells the pairs between these two apart
# Where more of other pairs than this are as similar, the net can't tell these images apart: 2.5 %
# of scanned digits are, 0 to .12 % of photographs, MRI, steel, faces and handwritten characters.
COMMON = 0.01
ASKED = 200  # images that it is tried on, at most
CORRELATED = 0.995  # of coefficients: for smooth images, whose bits another encoding changes


@dataclass(frozen=True)
class Pair:
    """Two near-identical images.

    Attributes:
        first, second: their rows, the second the larger.
        symmetry: what brings the second to the first, of ``SYMMETRIES``; empty for nothing.
        bits: of 255 of the perceptual hash that differ.
        correlation: of the coefficients that the hash comes from.
        similarity: cosine of general features, where it had to tell; else None.
    """

    first: int
    second: int
    symmetry: str
    bits: int
    correlation: float
    similarity: float | None = None


def find_near_identical(pixels: Pixels) -> list[Pair]:
    """All pairs of near-identical images among uint8 ``(N, C, S, S)``, the nearest first.

    Two images are near-identical if in one of the eight symmetries of a square their perceptual
    hashes differ in at most :data:`SURE` of 255 bits, or what these come from correlates at
    :data:`CORRELATED`; or if at most :data:`PERHAPS` bits differ and the cosine of their general
    features in that symmetry is :data:`SIMILAR`, unless the net finds other pairs of these images
    as similar, too (:data:`COMMON`). Crops of more than some 3 % of a side and turns of more than
    some 3 degrees are not found, nor nearly flat images that were encoded badly.
    """
    if len(pixels) < 2:
        return []
    found = near_pairs(perceptual_hashes(pixels), PERHAPS, CORRELATED)
    doubted = [f for f in found if f[3] > SURE and f[4] < CORRELATED]
    if doubted and not _tells_apart(pixels, {(f[0], f[1]) for f in found}):
        found, doubted = [f for f in found if f not in doubted], []
    cosines = dict(zip(doubted, _similarities(pixels, doubted), strict=True))
    pairs = [
        Pair(i, j, SYMMETRIES[s], bits, correlation, cosines.get((i, j, s, bits, correlation)))
        for i, j, s, bits, correlation in found
    ]
    sure = [p for p in pairs if p.similarity is None or p.similarity >= SIMILAR]
    return sorted(sure, key=lambda pair: pair.bits)


def _tells_apart(pixels: Pixels, candidates: set[tuple[int, int]]) -> bool:
    """Whether pairs that are no candidates are seldom similar to the general net."""
    from l2laug.features.general import general_features, load_general_net  # needs torch

    rows = np.sort(np.random.default_rng(0).permutation(len(pixels))[:ASKED])
    features = general_features(load_general_net(), pixels[rows])
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    cosines = features @ features.T
    others = [
        cosines[i, j]
        for i, j in zip(*np.triu_indices(len(rows), 1), strict=True)
        if (int(rows[i]), int(rows[j])) not in candidates
    ]
    return not others or float(np.mean(np.array(others) >= SIMILAR)) <= COMMON


def _similarities(pixels: Pixels, pairs: Sequence[tuple[int, int, int, int, float]]) -> list[float]:
    """Cosine of the general features of each pair, the second image turned as the first is."""
    if not pairs:
        return []
    from l2laug.features.general import general_features, load_general_net  # needs torch

    views = {view: row for row, view in enumerate(dict.fromkeys(_views(pairs)))}
    shown = np.stack([symmetric(pixels[i], symmetry) for i, symmetry in views])
    features = general_features(load_general_net(), shown)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    ours = features[[views[pair[0], 0] for pair in pairs]]
    theirs = features[[views[pair[1], pair[2]] for pair in pairs]]
    return [float(cosine) for cosine in (ours * theirs).sum(1)]


def _views(pairs: Sequence[tuple[int, int, int, int, float]]) -> Iterator[tuple[int, int]]:
    """Image and symmetry of all that a net has to look at."""
    for first, second, symmetry, *_ in pairs:
        yield first, 0
        yield second, symmetry


def nearest_pairs(pairs: Sequence[Pair]) -> list[Pair]:
    """Of each image's pairs with earlier images the nearest: of K copies of one image K - 1."""
    kept: dict[int, Pair] = {}
    for pair in pairs:
        kept.setdefault(pair.second, pair)
    return list(kept.values())
