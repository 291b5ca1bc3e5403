"""Scores beside their baseline: what the same score says of real images, at the same sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from l2laug.core.arrays import Features
from l2laug.features.extractor import Extractor
from l2laug.metrics import density_coverage, precision_recall
from l2laug.metrics.density_coverage import coverage, density
from l2laug.metrics.diversity import diversity
from l2laug.metrics.fid import frechet_distance
from l2laug.metrics.inception_score import inception_score
from l2laug.metrics.kid import kernel_distance
from l2laug.metrics.precision_recall import precision, recall

FEWEST = 4  # real images, so that halves of them have a covariance
MOST = 2500  # of either side, for the time that pairs of them take
SPLITS = (10, 20)  # of many images, of few


@dataclass(frozen=True)
class Measure:
    """One number and all that it takes to believe it.

    Attributes:
        name: of the score.
        value: of the samples.
        low, high: 5th and 95th percentile over the splits, or for copies its 95% interval.
        baseline, baseline_low, baseline_high: the same of real images, None where it can't be had.
        samples, real: how many images were compared with how many real ones.
        extractor, sha256, resizing: what it was measured on.
        reading: what the comparison with the baseline says.
        too_small: the set sizes that it needs and why; empty if the sets are that large.
        chance_low, chance_high: where it lies in 95 of 100 cases if samples and real images are of
            one distribution, of scores of which that is known.
    """

    name: str
    value: float
    low: float
    high: float
    baseline: float | None
    baseline_low: float | None
    baseline_high: float | None
    samples: int
    real: int
    extractor: str
    sha256: str
    resizing: str
    reading: str
    too_small: str
    chance_low: float | None = None
    chance_high: float | None = None


@dataclass(frozen=True)
class Score:
    """A score of ``(real, drawn)`` features and its words.

    ``needs`` real images in either half for the number to mean something (0: more than there are
    features) because of ``why``; under ``least`` it can't be had. ``below`` and ``above`` say what
    it means to be under and over the baseline. ``chance`` gives the interval of chance, if known.
    """

    function: Callable[[Features, Features], float]
    least: int
    needs: int
    why: str
    below: str
    above: str
    chance: Callable[[Features, Features], tuple[float, float]] | None = None


LEVEL = "no difference from real images found"
NEAR = "closer to the real images than other real images are"
FAR = "farther from the real images than other real images are"
SHARES = "the 95% interval of a share of fewer than 50 images may span 0.28"
# Halves of 20 of one scanned digit lie as far from another digit's as ten times what their own KID
# varies by, halves of 5 twice.
NOISE = "with fewer the sampling error is too large"

SCORES = {
    "kid": Score(kernel_distance, 2, 20, NOISE, NEAR, FAR),
    "precision": Score(
        precision,
        precision_recall.NEIGHBOURS + 1,
        50,
        SHARES,
        "fewer samples lie within the real distribution than other real images do",
        "more samples lie within the real distribution than other real images do",
    ),
    "recall": Score(
        recall,
        precision_recall.NEIGHBOURS + 1,
        50,
        SHARES,
        "samples cover less of the real distribution than other real images: modes may be missing",
        "samples cover more of the real distribution than other real images do",
    ),
    "density": Score(
        density,
        density_coverage.NEIGHBOURS + 1,
        50,
        SHARES,
        "samples lie in less dense regions of the real distribution than other real images do",
        "samples concentrate in the dense regions of the real distribution",
    ),
    "coverage": Score(
        coverage,
        density_coverage.NEIGHBOURS + 1,
        50,
        SHARES,
        "fewer real images have a sample in their neighbourhood: modes may be missing",
        "more real images have a sample in their neighbourhood than another real image",
    ),
    "diversity": Score(
        lambda _, drawn: diversity(drawn),
        2,
        20,
        NOISE,
        "samples vary less than real images",
        "samples vary more than real images",
    ),
    "fid": Score(
        frechet_distance,
        2,
        0,
        "with no more images than features FID is mostly bias",
        NEAR,
        FAR,
    ),
}

INCEPTION = "inception score"


def scores_of(extractor: Extractor) -> dict[str, Score]:
    """The scores that an extractor allows: the Inception Score takes class probabilities."""
    head = extractor.head
    if head is None:
        return SCORES
    sure = Score(
        lambda _, drawn: inception_score(head(drawn)),
        2,
        50,
        NOISE,
        "samples are classified less clearly, or as fewer classes, than real images",
        "samples are classified more clearly, or as more classes, than real images",
    )
    return {**SCORES, INCEPTION: sure}


def measure(
    real: Features,
    drawn: Features,
    extractor: Extractor,
    seed: int = 0,
    known: Mapping[str, Score] | None = None,
) -> dict[str, Measure]:
    """Every score that the sets are large enough for, by name, each beside its baseline.

    The real images are split in halves again and again. The score of one half with samples stands
    beside its score with as many images of the other half, so that all that few images do to a
    score is done to both.

    Args:
        real: features ``(N, D)`` of real images.
        drawn: features ``(M, D)`` of samples.
        extractor: what they come from.
        seed: of the splits.
        known: the scores by name; all that the extractor allows by default.
    """
    half = min(len(real) // 2, MOST)
    count = min(len(real) - half, len(drawn), MOST)
    if len(real) < FEWEST or count < 2:
        return {}
    splits = SPLITS[half < 200]
    known = scores_of(extractor) if known is None else known
    scores = {n: s for n, s in known.items() if min(half, count) >= s.least}
    chance = dict[str, tuple[float, float]]()
    values: dict[str, list[tuple[float, float]]] = {name: [] for name in scores}
    for split in range(splits):
        random = np.random.default_rng((seed, split))
        order = random.permutation(len(real))
        given, others = real[order[:half]], real[order[half : half + count]]
        chosen = drawn[random.choice(len(drawn), count, replace=False)]
        for name, score in scores.items():
            values[name].append((score.function(given, chosen), score.function(given, others)))
            if score.chance is not None and not split:
                chance[name] = score.chance(given, chosen)
    sizes = half, count, real.shape[1]
    return {
        name: _summary(name, score, np.array(values[name]), sizes, extractor, chance.get(name))
        for name, score in scores.items()
    }


def _summary(
    name: str,
    score: Score,
    pairs: NDArray[np.float64],
    sizes: tuple[int, int, int],
    extractor: Extractor,
    chance: tuple[float, float] | None,
) -> Measure:
    ours, baseline = pairs.T
    half, count, size = sizes
    needs = score.needs or size + 1
    too_small = f"It takes {2 * needs} real images and {needs} samples: {score.why}."
    reading = LEVEL
    # Where chance is known it decides. Else all splits have to agree. New real images, some hundred
    # of them, do so in 3 of 100 cases; the splits share them, so of 20 diversity and density do in
    # one of five.
    least, most = (baseline, baseline) if chance is None else chance
    tested = ours if chance is None else ours.mean()
    if np.all(tested < least):
        reading = score.below
    elif np.all(tested > most):
        reading = score.above
    (low, high), (baseline_low, baseline_high) = (
        np.quantile(v, [0.05, 0.95]) for v in (ours, baseline)
    )
    return Measure(
        name=name,
        value=float(ours.mean()),
        low=float(low),
        high=float(high),
        baseline=float(baseline.mean()),
        baseline_low=float(baseline_low),
        baseline_high=float(baseline_high),
        samples=count,
        real=half,
        extractor=extractor.name,
        sha256=extractor.digest,
        resizing=extractor.resizing,
        reading=reading,
        too_small=too_small if min(half, count) < needs else "",
        chance_low=chance[0] if chance else None,
        chance_high=chance[1] if chance else None,
    )
