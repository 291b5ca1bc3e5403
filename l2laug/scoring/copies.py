"""Copies: samples that are nearer to a support image than real images are to one another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from l2laug.errors import ImageError
from l2laug.images import Pixels, to_unit
from l2laug.scoring.diversity import pairwise


@dataclass(frozen=True)
class Copies:
    """Which samples copy.

    Attributes:
        distances: of each sample to its nearest support image, ``(N,)``.
        limit: the distance under which a sample counts as a copy: the smallest there is between
            two different real images.
        share: of samples under the limit.
    """

    distances: NDArray[np.float64]
    limit: float
    share: float


def find_copies(samples: Pixels, support: Pixels, others: Pixels | None = None) -> Copies:
    """Compare samples with the support set, pixel by pixel.

    The yardstick is the smallest distance of a real image to a support image: of the ``others``
    of the class if there are any, else between the support images themselves. Images are blurred
    (two by two means) so that a shift of a pixel does not hide a copy.

    Args:
        samples: uint8 ``(N, C, S, S)``, S even.
        support: what adapt saw, of the same size.
        others: other real images of the class.

    Raises:
        ImageError: one support image and no others, so that there is no yardstick.
    """
    known = np.unique(_blurred(support), axis=0)  # a picture given twice is no yardstick
    if others is not None and len(others):
        limit = support_distances(others, support).min()
    elif len(known) > 1:
        apart = pairwise(known, known)
        limit = apart[np.triu_indices(len(known), 1)].min()
    else:
        raise ImageError(
            "With one real image there is no telling what a copy is.",
            "Give real images that were kept back with --test.",
        )
    distances = support_distances(samples, support)
    return Copies(distances, float(limit), float((distances < limit).mean()))


def support_distances(samples: Pixels, support: Pixels) -> NDArray[np.float64]:
    """The distance ``(N,)`` of each of ``samples`` to its nearest support image, both blurred."""
    nearest: NDArray[np.float64] = pairwise(_blurred(samples), _blurred(support)).min(1)
    return nearest


def _blurred(pixels: Pixels) -> NDArray[np.float64]:
    n, c, h, w = pixels.shape
    means = to_unit(pixels).reshape(n, c, h // 2, 2, w // 2, 2).mean((3, 5))
    flat: NDArray[np.float64] = means.reshape(n, -1).astype(np.float64)
    return flat
