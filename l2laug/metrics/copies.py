"""Copies: samples that are nearer to a support image than real images of the class come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from l2laug.core.arrays import Pixels, to_unit
from l2laug.core.errors import ImageError
from l2laug.metrics.diversity import pairwise
from l2laug.metrics.intervals import Share, wilson_share

TAIL = 0.01  # of real images lie under the limit
FEWEST = 3

Distances = NDArray[np.float64]


@dataclass(frozen=True)
class Copies:
    """Which samples copy.

    Attributes:
        distances: of each sample to its nearest support image, ``(N,)``.
        nearest: which support image that is, ``(N,)``.
        limit: the distance under which a sample counts as a copy.
        drawn: the share of samples under the limit.
        real: the same of real images, each against a limit found without it; None if there are
            too few for that.
        reference_images: how many images the limit was learned from.
        held_out: whether these were held out, or are the support set itself.
    """

    distances: Distances
    nearest: NDArray[np.int64]
    limit: float
    drawn: Share
    real: Share | None
    reference_images: int
    held_out: bool

    @property
    def share(self) -> float:
        """The share of samples that copy."""
        return self.drawn.value


def find_copies(
    samples: Pixels | Iterable[Pixels], support: Pixels, others: Pixels | None = None
) -> Copies:
    """Compare samples with the support set, pixel by pixel.

    A sample copies if it is nearer to a support image than 99 in 100 new real images of the class
    would be. That limit is learned from the distances of the ``others`` to the support set or, if
    there are fewer than three, from those between the support images. Images are blurred (two by
    two means) and compared in nine places, so that neither noise nor a shift of a pixel hides a
    copy; what is mirrored or turned is not one.

    Args:
        samples: uint8 ``(N, C, S, S)``, S even, N at least 1; or arrays of that shape one after
            another, which are the N together and need not be in memory at once.
        support: what adapt saw, of the same size.
        others: other real images of the class.

    Raises:
        ImageError: fewer than three of either, so that no limit can be learned.
    """
    known = _distinct(support)
    apart = np.empty(0) if others is None else support_distances(others, known)
    apart = apart[apart > 0]  # a support image among the others is none either
    held_out = len(apart) >= FEWEST
    if not held_out and len(known) < FEWEST:
        raise ImageError(
            f"Copies can't be detected with fewer than {FEWEST} real images.",
            f"Give {FEWEST} or more real images that were held out with --test.",
        )
    if held_out:
        limit, real = _limit_beside(apart), _real_beside(apart)
    else:
        between = _distances(known, known)
        limit, real = _limit_among(between), _real_among(between)
    parts = [samples] if isinstance(samples, np.ndarray) else samples
    found = [_nearest(part, support) for part in parts]
    distances, nearest = (np.concatenate(side) for side in zip(*found, strict=True))
    drawn = _share(distances < limit)
    reference_images = len(apart) if held_out else len(known)
    return Copies(distances, nearest, limit, drawn, real, reference_images, held_out)


def _nearest(samples: Pixels, support: Pixels) -> tuple[Distances, NDArray[np.int64]]:
    to_each = _distances(samples, support)
    return to_each.min(1), to_each.argmin(1)


def _distinct(support: Pixels) -> Pixels:
    """The images without duplicates of others, shifted or not."""
    between = _distances(support, support)
    between = np.minimum(between, between.T)
    rows = [i for i in range(len(support)) if (between[i, :i] > 0).all()]
    distinct: Pixels = support[rows]
    return distinct


def support_distances(samples: Pixels, support: Pixels) -> Distances:
    """The distance ``(N,)`` of each of ``samples`` to its nearest support image.

    Of blurred images (two by two means), the support image being shifted by up to a pixel.
    """
    nearest: Distances = _distances(samples, support).min(1)
    return nearest


def _limit_beside(apart: Distances) -> float:
    """The distance that a new real image falls short of once in a hundred times.

    From 99 distances on an order statistic of them, whatever their distribution; below that the
    one-sided prediction limit of a log-normal one, which allows for its two moments being guessed.
    """
    rank = int(TAIL * (len(apart) + 1))
    if rank:
        return float(np.partition(apart, rank - 1)[rank - 1])
    return _log_normal_limit(apart, TAIL, len(apart))


def _limit_among(between: Distances) -> float:
    """The same from the distances ``(N, N)`` between the support images alone.

    They tell how far a new image is from any one; a sample has N chances to be near one, so the
    tail is shared out among these. The pairs hang together: they count as N.
    """
    pairs = between[np.triu_indices(len(between), 1)]
    return _log_normal_limit(pairs, TAIL / len(between), len(between))


def _log_normal_limit(distances: Distances, tail: float, count: int) -> float:
    logs = np.log(distances)
    reach = stats.t.ppf(1 - tail, count - 1) * np.sqrt(1 + 1 / count)
    return float(np.exp(logs.mean() - reach * logs.std(ddof=1)))


def _real_beside(apart: Distances) -> Share | None:
    if len(apart) <= FEWEST:
        return None
    return _share([apart[i] < _limit_beside(np.delete(apart, i)) for i in range(len(apart))])


def _real_among(between: Distances) -> Share | None:
    if len(between) <= FEWEST:
        return None
    under = []
    for i in range(len(between)):
        rest = np.delete(np.arange(len(between)), i)
        under.append(bool(between[i, rest].min() < _limit_among(between[np.ix_(rest, rest)])))
    return _share(under)


def _share(under: Sequence[bool] | NDArray[np.bool_]) -> Share:
    return wilson_share(int(np.sum(under)), len(under))


def _distances(images: Pixels, support: Pixels) -> Distances:
    """From each of ``(N, C, S, S)`` to each of ``(M, C, S, S)``: ``(N, M)``."""
    _, _, h, w = support.shape
    framed = np.pad(support, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    shifted = [framed[:, :, y : y + h, x : x + w] for y in range(3) for x in range(3)]
    ours = _blurred(images)
    nearest: Distances = np.min([pairwise(ours, _blurred(s)) for s in shifted], axis=0)
    return nearest


def _blurred(pixels: Pixels) -> Distances:
    n, c, h, w = pixels.shape
    means = to_unit(pixels).reshape(n, c, h // 2, 2, w // 2, 2).mean((3, 5))
    flat: Distances = means.reshape(n, c * h * w // 4).astype(np.float64)
    return flat
