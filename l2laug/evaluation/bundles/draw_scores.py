"""Scores of draws of several classes, the same for every method of a benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from l2laug.core.arrays import Features
from l2laug.data.image_set import ImageSet
from l2laug.evaluation.bundles.held_out import Split, copy_share
from l2laug.evaluation.perceptual import Distance, lpips_distance
from l2laug.features.extractor import Extractor
from l2laug.features.general import general_extractor
from l2laug.metrics.diversity import mean_diversity, pairwise
from l2laug.metrics.fid import frechet_distance
from l2laug.metrics.kid import kernel_distance
from l2laug.metrics.precision_recall import precision, recall
from l2laug.metrics.two_sample.classifier_test import classifier_test

PAIRS = 4  # of images of a class, each with the next, that LPIPS compares


@dataclass(frozen=True)
class DrawScores:
    """What one set of images scored, drawn or real, beside real images of the same classes.

    Attributes:
        fid, kid: distances of all images pooled, in the source feature net; lower is better.
        precision: share that lies among real images.
        recall: share of real images that lies among these.
        diversity: mean feature distance within a class.
        similarity: mean cosine to the mean of real images of the class, in the same features.
        own_class: share whose nearest class mean is their own.
        copies: share nearer to a support image than 99 in 100 real images are.
        two_sample: accuracy of a logistic regression that tells these images from real ones, in
            features of the general net; 0.5 is chance.
        lpips: mean LPIPS between images of a class, where weights were given.
    """

    fid: float
    kid: float
    precision: float
    recall: float
    diversity: float
    similarity: float
    own_class: float
    copies: float | None
    two_sample: float
    lpips: float | None = None


class DrawScorer:
    """Scores sets of images of held-out classes against real ones.

    Args:
        extractor: the source feature net.
        device: of the general net.
        lpips: weights of AlexNet, to measure LPIPS too.

    Raises:
        MissingExtraError: ``lpips`` is not installed.
        BundleError: its weights are missing or do not fit.
    """

    def __init__(self, extractor: Extractor, device: str, lpips: Path | None = None) -> None:
        self.extractor, self.general = extractor, general_extractor(device)
        self.lpips = None if lpips is None else lpips_distance(lpips, device)

    def __call__(self, images: ImageSet, split: Split, seed: int) -> DrawScores:
        """Score images, whose labels are those of the split's classes."""
        ours, theirs = self.extractor(images.pixels), self.extractor(split.reference.pixels)
        means = np.stack(
            [theirs[split.reference.labels == c].mean(0) for c in range(len(images.classes))]
        )
        # The test takes pairs in their order, which has to be random.
        random = np.random.default_rng(seed)
        real = self.general(split.reference.pixels[random.permutation(len(theirs))])
        drawn = self.general(images.pixels[random.permutation(len(ours))])
        return DrawScores(
            fid=frechet_distance(theirs, ours),
            kid=kernel_distance(theirs, ours),
            precision=precision(theirs, ours),
            recall=recall(theirs, ours),
            diversity=mean_diversity(ours, images.labels),
            similarity=float(mean_cosine(ours, means[images.labels])),
            own_class=float((pairwise(ours, means).argmin(1) == images.labels).mean()),
            copies=copy_share(images, split),
            two_sample=classifier_test(real, drawn).accuracy,
            lpips=None if self.lpips is None else within_classes(images, self.lpips),
        )


def mean_cosine(ours: Features, theirs: Features) -> float:
    """Mean cosine between rows of ``(N, D)`` features."""
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    return float(((ours * theirs).sum(1) / np.maximum(lengths, 1e-12)).mean())


def within_classes(images: ImageSet, distance: Distance) -> float | None:
    """Mean distance between images of a class and those next to them; None without pairs."""
    one, other = list[int](), list[int]()
    for label in range(len(images.classes)):
        rows = np.flatnonzero(images.labels == label)[: PAIRS + 1]
        one += rows[:-1].tolist()
        other += rows[1:].tolist()
    if not one:
        return None
    return float(distance(images.pixels[one], images.pixels[other]).mean())
