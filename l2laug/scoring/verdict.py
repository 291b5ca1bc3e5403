"""Helps, hurts or unclear: one word from paired differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.stats


@dataclass(frozen=True)
class Verdict:
    """A word, and the mean difference behind it with its 95 % interval.

    Attributes:
        word: ``helps``, ``hurts`` or ``unclear``.
        difference: mean of the pairs' differences.
        low, high: 95 % interval of that mean (Student's t).
    """

    word: str
    difference: float
    low: float
    high: float


def judge(without: Sequence[float], with_samples: Sequence[float]) -> Verdict:
    """Compare paired scores, seed by seed; it helps or hurts where the interval leaves out zero.

    Scores go from 0 to 1: one pair alone leaves every difference from -1 to 1 possible.
    """
    gaps = np.asarray(with_samples, float) - np.asarray(without, float)
    mean = float(gaps.mean())
    if len(gaps) < 2:
        return Verdict("unclear", mean, -1.0, 1.0)
    error = float(gaps.std(ddof=1)) / len(gaps) ** 0.5
    half = float(scipy.stats.t.ppf(0.975, len(gaps) - 1)) * error
    low, high = mean - half, mean + half
    word = "helps" if low > 0 else "hurts" if high < 0 else "unclear"
    return Verdict(word, mean, low, high)
