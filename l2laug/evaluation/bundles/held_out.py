"""Score a bundle on its held-out classes: phi_s1, phi_s2, phi_t^plain and phi_t in one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from l2laug.core.arrays import Features
from l2laug.core.seeds import derived_seed
from l2laug.data.image_set import ImageSet
from l2laug.evaluation.bundles.few_shot import few_shot_error
from l2laug.evaluation.bundles.held_out_scores import HeldOutScores
from l2laug.evaluation.bundles.methods import Method
from l2laug.evaluation.reference_classifier import ReferenceClassifier, two_sample_accuracy
from l2laug.features.extractor import Extractor
from l2laug.metrics.copies import support_distances
from l2laug.metrics.diversity import mean_diversity, pairwise
from l2laug.metrics.fid import frechet_distance
from l2laug.metrics.pooled_copies import pooled_copy_share
from l2laug.runtime.device import Engine

FEW_SHOT_DRAWS = 100  # of each class
DRAWN, MORE = range(2)  # streams of latents
BESIDE = 4  # images of a class, at least, that are not shown


@dataclass(frozen=True)
class Split:
    """Unseen classes in three parts: what is shown, what is compared with, and the baseline."""

    support: ImageSet
    reference: ImageSet
    baseline: ImageSet

    def of(self, name: str) -> Split:
        """The parts of one class alone."""
        return Split(self.support.of([name]), self.reference.of([name]), self.baseline.of([name]))


def split_unseen(unseen: ImageSet, shots: int, seed: int) -> Split:
    """For each class ``shots`` images to show, and two halves of the rest.

    The baseline is the same whatever the seed, so that one reference classifier can leave it out
    of what it learns.
    """
    random, same = np.random.default_rng(seed), np.random.default_rng(0)
    parts: list[list[NDArray[np.int64]]] = [[], [], []]
    for label in range(len(unseen.classes)):
        rows = same.permutation(np.flatnonzero(unseen.labels == label))
        half = (len(rows) - shots) // 2
        others = random.permutation(rows[half:])
        parts[0].append(others[:shots])
        parts[1].append(others[shots:])
        parts[2].append(rows[:half])
    support, reference, baseline = (unseen.take(np.concatenate(p)) for p in parts)
    return Split(support, reference, baseline)


def score_methods(
    methods: Mapping[str, Method],
    split: Split,
    extractor: Extractor | ReferenceClassifier,
    engine: Engine,
    *,
    seed: int = 0,
    reference_classifier: ReferenceClassifier | None = None,
    few_shot: bool = False,
) -> dict[str, HeldOutScores]:
    """Score methods on classes that source training never saw, beside real images of them.

    Every method draws as many images of each class as the baseline has real ones, so that the
    numbers compare; for ``few_shot`` so many more that a classifier can learn from them.
    """
    many = np.repeat(np.arange(len(split.support.classes)), FEW_SHOT_DRAWS)
    test = split.reference
    sets = {"real images": split.baseline}
    more: dict[str, ImageSet] = {"real images": split.baseline}
    for name, method in methods.items():
        sets[name] = method.draw(
            split.support, split.baseline.labels, engine, derived_seed(seed, DRAWN)
        )
        if few_shot:
            more[name] = method.draw(split.support, many, engine, derived_seed(seed, MORE))
    scores = {name: score_set(images, split, extractor) for name, images in sets.items()}
    if reference_classifier is not None:
        for name, images in sets.items():
            scores[name] = replace(
                scores[name],
                class_accuracy=reference_classifier.class_accuracy(images),
                two_sample_accuracy=two_sample_accuracy(test, images, engine, seed),
            )
    if few_shot:
        alone = few_shot_error(split.support, None, test, engine, seed)
        for name, images in more.items():
            error = few_shot_error(split.support, images, test, engine, seed)
            ratio = error / alone if alone else None
            scores[name] = replace(scores[name], error=error, error_ratio=ratio)
    return scores


def score_set(
    images: ImageSet, split: Split, extractor: Extractor | ReferenceClassifier
) -> HeldOutScores:
    """Score real or drawn images of the held-out classes against the reference."""
    ours, theirs = extractor(images.pixels), extractor(split.reference.pixels)
    means = _means(theirs, split.reference)
    shown = _means(extractor(split.support.pixels), split.support)
    return HeldOutScores(
        fid=frechet_distance(theirs, ours),
        fid_centred=frechet_distance(theirs, _moved(ours, images.labels, means)),
        fid_at_support_means=frechet_distance(theirs, _moved(ours, images.labels, shown)),
        diversity=mean_diversity(ours, images.labels),
        own_class=float((pairwise(ours, means).argmin(1) == images.labels).mean()),
        copies=copy_share(images, split),
    )


def _means(features: Features, images: ImageSet) -> Features:
    return np.stack([features[images.labels == c].mean(0) for c in range(len(images.classes))])


def _moved(features: Features, labels: NDArray[np.int64], means: Features) -> Features:
    """Features whose mean over each class is moved onto that of ``means``."""
    moved = features.copy()
    for label in np.unique(labels):
        moved[labels == label] += means[label] - features[labels == label].mean(0)
    return moved


def copy_share(images: ImageSet, split: Split) -> float | None:
    """The share nearer to a support image than 99 in 100 real images of the classes are."""
    real, drawn = (
        [
            support_distances(
                part.pixels[part.labels == label],
                split.support.pixels[split.support.labels == label],
            )
            for label in range(len(split.support.classes))
        ]
        for part in (split.reference, images)
    )
    return pooled_copy_share(real, drawn)
