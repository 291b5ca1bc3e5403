"""How every score of a classifier changes from one arm to another, each with its interval."""

from __future__ import annotations

from dataclasses import dataclass

from l2laug.scoring.jackknife import pseudovalues
from l2laug.scoring.outcomes import Labels
from l2laug.scoring.verdict import interval

OF_ALL = ("accuracy", "macro_f1")  # all test images count as cases, not those of the rare class


@dataclass(frozen=True)
class Change:
    """The mean difference of pairs and its 95 % interval over other seeds and test images."""

    difference: float
    low: float
    high: float


def changes(
    labels: Labels, classes: int, rare: int, without: Labels, with_samples: Labels
) -> dict[str, Change]:
    """The change of each score, by its name; intervals are made like the verdict's.

    Args:
        labels: ``(M,)`` the true classes.
        classes: how many there are.
        rare: which is the rare one.
        without: ``(seeds, M)`` what each classifier trained without samples saw.
        with_samples: the same of those trained with them, in the order of the same seeds.
    """
    before, after = (pseudovalues(labels, classes, rare, g) for g in (without, with_samples))
    found = {}
    for name, (scores, values) in before.items():
        later, more = after[name]
        cases = len(labels) if name in OF_ALL else int((labels == rare).sum())
        mean = float((later - scores).mean())
        low, high, _ = interval(mean, more - values, cases)
        found[name] = Change(mean, low, high)
    return found
