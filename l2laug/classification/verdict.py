"""How every score of a classifier changes from one arm to another, each with its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.stats
from numpy.typing import NDArray

from l2laug.classification.jackknife import Floats, pseudovalues, ranking_pseudovalues, ratio
from l2laug.classification.predictions import Labels

Seen = NDArray[np.bool_]
UNCLEAR = "unclear"
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


def ranking_change(truth: Seen, without: Floats, with_samples: Floats) -> Change:
    """How the area under the rare class's ROC curve changes, its interval made like the verdict's.

    Args:
        truth: ``(M,)`` which test images are of the rare class.
        without: ``(seeds, M)`` margins of each classifier trained without samples.
        with_samples: the same of those trained with them, in the order of the same seeds.
    """
    (before, values), (after, more) = (
        ranking_pseudovalues(truth, margins) for margins in (without, with_samples)
    )
    mean = float((after - before).mean())
    low, high, _ = interval(mean, more - values, int(truth.sum()))
    return Change(mean, low, high)


# With five, all may turn out better by chance in one study of 16 (a sign test: 2 * 0.5 ** 5).
FEWEST_TEST = 6


@dataclass(frozen=True)
class Verdict:
    """A word, and the mean difference behind it with its 95 % interval.

    Attributes:
        word: ``helps``, ``hurts`` or ``unclear``.
        difference: mean of the pairs' differences in F1, -1 to 1.
        low, high: 95 % interval of that mean over other seeds and other test images.
        from_seeds: the part of the interval's variance that more seeds would bring down, 0 to 1;
            the rest takes more test images.
    """

    word: str
    difference: float
    low: float
    high: float
    from_seeds: float


def decide(truth: Seen, without: Seen, with_samples: Seen) -> Verdict:
    """Compare the F1 of paired trainings; it helps or hurts where the interval leaves out zero.

    Seeds and test images are both a sample of what might have been, crossed with each other like
    the readers and the cases of a medical study. So the interval is that of Dorfman, Berbaum and
    Metz (1992) as amended by Hillis et al. (2008): jackknife pseudovalues over the test images,
    their two-way analysis of variance, and Student's t, with degrees of freedom (Satterthwaite)
    that count the rare class's test images as the cases.

    One seed alone leaves every difference possible, and on fewer than six test images of the rare
    class the word is ``unclear`` whatever they say.

    Args:
        truth: ``(M,)`` which test images are of the rare class.
        without: ``(seeds, M)`` in which ones each classifier trained without samples saw it.
        with_samples: the same of those trained with them, in the order of the same seeds.
    """
    labels = truth.astype(np.int64)
    (before, each), (after, each_with) = (
        pseudovalues(labels, 2, 1, seen.astype(np.int64))["rare_f1"]
        for seen in (without, with_samples)
    )
    mean = float((after - before).mean())
    rare = int(truth.sum())
    low, high, from_seeds = interval(mean, each_with - each, rare)
    word = "helps" if low > 0 else "hurts" if high < 0 else UNCLEAR
    return Verdict(word if rare >= FEWEST_TEST else UNCLEAR, mean, low, high, from_seeds)


def interval(mean: float, gaps: Floats, cases: int) -> tuple[float, float, float]:
    """The 95 % interval of a mean difference, as :func:`decide` makes it.

    Args:
        mean: the difference, -1 to 1.
        gaps: differences of pseudovalues, ``(seeds, M)``.
        cases: how many test images the degrees of freedom count.

    Returns:
        low, high, and the part of the variance that more seeds would bring down.
    """
    if min(gaps.shape) < 2:
        return -1.0, 1.0, 1.0
    variance, freedom, from_seeds = variance_of_mean(gaps, max(cases, 2))
    half = float(scipy.stats.t.ppf(0.975, freedom)) * variance**0.5 if variance > 0 else 0.0
    return max(mean - half, -1.0), min(mean + half, 1.0), from_seeds


def f1(truth: Seen, seen: Seen) -> Floats:
    """F1 of each training, ``(seeds,)``; 0 where nothing is there to be seen and nothing is."""
    return ratio(2.0 * (seen & truth).sum(1), truth.sum() + seen.sum(1).astype(np.float64))


def variance_of_mean(gaps: Floats, cases: int) -> tuple[float, float, float]:
    """How far the mean of gaps may be off, both seeds and images being drawn by chance.

    Args:
        gaps: ``(seeds, M)``, at least two of each.
        cases: how many images the degrees of freedom count, at least 2.

    Returns:
        variance of the mean, its degrees of freedom, and the part of it that is of the seeds.
    """
    seeds, images = gaps.shape
    by_seed, by_image = gaps.mean(1, keepdims=True), gaps.mean(0, keepdims=True)
    of_seeds = images * float(by_seed.var(ddof=1))
    of_images = seeds * float(by_image.var(ddof=1))
    rest = gaps - by_seed - by_image + gaps.mean()
    of_rest = float((rest**2).sum()) / ((seeds - 1) * (images - 1))
    total = of_seeds + max(of_images - of_rest, 0.0)
    if total <= 0:
        return 0.0, 1.0, 0.0
    doubt = of_seeds**2 / (seeds - 1)
    if of_images > of_rest:
        doubt += of_images**2 / (cases - 1) + of_rest**2 / ((seeds - 1) * (cases - 1))
    return total / gaps.size, total**2 / doubt, of_seeds / total
