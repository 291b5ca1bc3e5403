"""The recall of every class without and with samples, and which class pays for the rare one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from l2laug.classification.predictions import Labels
from l2laug.metrics.intervals import Share, wilson_share


@dataclass(frozen=True)
class ClassRecall:
    """How many test images of a class are recognised, without samples and with them.

    Attributes:
        name: of the class.
        without, with_samples: mean over the seeds, with the Wilson interval of a single training
            that recognises as many as the mean one: over other test images.
        change: of the mean, -1 to 1.
    """

    name: str
    without: Share
    with_samples: Share

    @property
    def change(self) -> float:
        """With samples less without, -1 to 1."""
        return self.with_samples.value - self.without.value

    def plain(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "class": self.name,
            "count": self.without.count,
            "without": asdict(self.without),
            "with": asdict(self.with_samples),
            "change": self.change,
        }


def class_recalls(
    labels: Labels, classes: Sequence[str], without: Labels, with_samples: Labels
) -> list[ClassRecall]:
    """The recall of each class that has test images.

    Args:
        labels: ``(M,)`` the true classes.
        classes: their names.
        without: ``(seeds, M)`` guesses.
        with_samples: the same.
    """
    found = []
    for label in np.unique(labels):
        mine = labels == label
        sides = (_recall(mine, guesses == labels) for guesses in (without, with_samples))
        found.append(ClassRecall(classes[label], *sides))
    return found


def loses_most(recalls: Sequence[ClassRecall], rare: str) -> ClassRecall | None:
    """The other class whose recall falls most; None where none falls."""
    others = [r for r in recalls if r.name != rare and r.change < 0]
    return min(others, key=lambda r: r.change, default=None)


def _recall(mine: np.ndarray, right: np.ndarray) -> Share:
    count = int(mine.sum())
    mean = float(right[:, mine].mean())
    interval = wilson_share(round(mean * count), count)
    return Share(mean, min(interval.low, mean), max(interval.high, mean), count)
