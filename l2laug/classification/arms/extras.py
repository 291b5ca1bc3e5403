"""What a head learns from: real images, and for each kind of extra image what it was made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from l2laug.classification.arms.mixing import mix
from l2laug.classification.arms.nearest import borrow, nearest_rows
from l2laug.classification.study import StudyData
from l2laug.core.arrays import Features, Pixels

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Extra:
    """Images that may fill a share of the rare class's draws.

    Attributes:
        pixels: uint8 ``(N, C, S, S)``.
        parents: ``(N, P)`` rows of the training images that each was made of: it is left out
            wherever one of those is, so that no image is tested on what was made of it.
    """

    pixels: Pixels
    parents: Rows

    def without(self, held: Rows) -> Rows:
        """The rows of images none of whose parents is among ``held``."""
        return np.flatnonzero(~np.isin(self.parents, held).any(1))


@dataclass(frozen=True)
class Relations:
    """Which training images are akin to which others, as a pretrained net sees them.

    Attributes:
        of_samples: ``(N,)`` the rare training row that each sample looks most like.
        borrowed: rows of base images that look most like the rare class.
        of_borrowed: for each of these the rare row that it looks most like.
    """

    of_samples: Rows
    borrowed: Rows
    of_borrowed: Rows


def relate(data: StudyData, features: Callable[[Pixels], Features]) -> Relations:
    """Find relations by features of whole images.

    Args:
        data: images.
        features: uint8 ``(N, C, S, S)`` to ``(N, D)``.
    """
    is_rare = data.train.labels == data.label
    rare, base = np.flatnonzero(is_rare), np.flatnonzero(~is_rare)
    mine, others = features(data.train.pixels[rare]), features(data.train.pixels[base])
    chosen, nearest = borrow(mine, others)
    drawn = nearest_rows(features(data.samples), mine) if len(data.samples) else rare[:0]
    return Relations(rare[drawn], base[chosen], rare[nearest])


def extras_of(data: StudyData, relations: Relations, seed: int = 0) -> dict[str, Extra]:
    """All kinds of extra images, at the size of ``data``.

    Args:
        data: images.
        relations: see :func:`relate`.
        seed: of CutMix's and mixup's pairs.
    """
    rare = np.flatnonzero(data.train.labels == data.label)
    found = {
        "samples": Extra(data.samples, relations.of_samples[:, None]),
        "nearest": Extra(
            data.train.pixels[relations.borrowed],
            np.stack([relations.borrowed, relations.of_borrowed], 1),
        ),
    }
    for kind in ("cutmix", "mixup"):
        mixed, pairs = mix(data.train.pixels[rare], kind, seed)
        found[kind] = Extra(mixed, rare[pairs])
    return found
