"""The share of copies over many classes, of each of which there are too few images for a limit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

TAIL = 0.01  # of real images count as copies
RANKED = 100  # real images from which on a hundredth of them is an image or more
FREEDOM = 2  # degrees of it, at least, to estimate a variance from

Distances = NDArray[np.float64]


def pooled_copy_share(real: Sequence[Distances], drawn: Sequence[Distances]) -> float | None:
    """The share of drawn images that are nearer to a support image than 99 in 100 real images.

    For real images left out of ``real`` the expected share is 0.01, however few there are of each
    class. Distances of a class vary about its own mean, so logarithms are compared once that is
    taken off. The mean of a handful of distances is biased towards each of them, so a drawn image
    has to be treated as the real ones are:

    - With 100 real images or more a drawn image takes the place of each real image of its class in
      turn, and its standardised residual is ranked among all of them (full conformal prediction,
      Vovk et al. 2005): as a left-out real image is exchangeable with those, every rank is equally
      likely. No distribution is assumed.
    - With fewer no rank is as rare as 0.01. The limit is then the one-sided prediction limit for a
      new observation of a log-normal distribution, the variance pooled over the classes (Student's
      t). Of distances that are normal, gamma or exponential it takes 0.014 to 0.026 for copies.

    Args:
        real: for each class the distances of real images to the support set, ``(n,)``. Zeros, which
            are support images themselves, are left out.
        drawn: for each class the same of drawn images, ``(m,)``.

    Returns:
        The share, 0 to 1; None where there are too few real images even for a variance, or no
        drawn image in a class that has any.
    """
    logs = [np.log(d[d > 0]) for d in real]
    if sum(len(v) for v in logs if len(v) > 1) >= RANKED:
        return _share_by_rank(logs, drawn)
    return _share_by_limit(logs, drawn)


def _share_by_rank(real: Sequence[Distances], drawn: Sequence[Distances]) -> float | None:
    everything = np.sort(np.concatenate([_residuals(v) for v in real if len(v) > 1]))
    allowed = TAIL * len(everything)
    found, count = 0.0, 0
    for known, distances in zip(real, drawn, strict=True):
        n = len(known)
        if n < 2:
            continue
        own = np.sort(_residuals(known))
        new = _log(distances)
        for place in range(n):
            replaced = np.repeat(known[None], len(new), axis=0)
            replaced[:, place] = new
            residuals = _residuals(replaced)
            mine = residuals[:, place]
            before = (residuals <= mine[:, None]).sum(1) - 1
            before += np.searchsorted(everything, mine, "right")
            before -= np.searchsorted(own, mine, "right")
            # All under the last whole rank are copies, at that rank the part that is left.
            found += float(np.clip(allowed - before, 0, 1).sum()) / n
        count += len(new)
    return found / count if count else None


def _share_by_limit(real: Sequence[Distances], drawn: Sequence[Distances]) -> float | None:
    freedom = sum(len(v) - 1 for v in real if len(v))
    if freedom < FREEDOM:
        return None
    squares = sum(float(((v - v.mean()) ** 2).sum()) for v in real if len(v))
    deviation, quantile = np.sqrt(squares / freedom), float(stats.t.ppf(TAIL, freedom))
    under = [
        _log(distances) < known.mean() + quantile * deviation * np.sqrt(1 + 1 / len(known))
        for known, distances in zip(real, drawn, strict=True)
        if len(known)
    ]
    pooled = np.concatenate(under) if under else np.empty(0)
    return float(pooled.mean()) if len(pooled) else None


def _residuals(logs: Distances) -> Distances:
    """Deviations from the mean of the last axis, of variance that does not depend on its length."""
    n = logs.shape[-1]
    result: Distances = (logs - logs.mean(-1, keepdims=True)) * np.sqrt(n / (n - 1))
    return result


def _log(distances: Distances) -> Distances:
    """Logarithms; of an exact copy, whose distance is 0, that of the least positive number."""
    result: Distances = np.log(np.maximum(distances, np.finfo(np.float64).tiny))
    return result
