"""Intervals and deviations of numbers that were measured a few times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats


@dataclass(frozen=True)
class Share:
    """How many of ``count`` things are something: ``value`` and its 95% interval, all 0 to 1."""

    value: float
    low: float
    high: float
    count: int


def wilson_share(found: int, count: int) -> Share:
    """The share of ``found`` in ``count``, at least 1, with its Wilson interval (Wilson 1927)."""
    interval = stats.binomtest(found, count).proportion_ci(method="wilson")
    return Share(found / count, float(interval.low), float(interval.high), count)


def mean_and_deviation(
    values: Sequence[float] | NDArray[np.float64],
) -> tuple[float, float | None]:
    """The mean and the sample's standard deviation (over N - 1), None for a single value."""
    mean = float(np.mean(values))
    return mean, float(np.std(values, ddof=1)) if len(values) > 1 else None
