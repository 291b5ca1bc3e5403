"""Scores on features of the general net: two-sample tests, Vendi score and data-copying."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from l2laug.core.arrays import Features, Pixels
from l2laug.evaluation.scores import FAR, NEAR, SPLITS, Measure, Score, measure
from l2laug.features.extractor import Extractor
from l2laug.metrics.two_sample.classifier_test import classifier_test
from l2laug.metrics.two_sample.data_copying import data_copying
from l2laug.metrics.two_sample.mmd import gaussian_mmd
from l2laug.metrics.vendi import vendi_chance, vendi_score

MOST = 200  # images of either side: the net sees some hundred a second
RELABELLINGS = 200  # for the interval of chance
NORMAL = 1.96  # of a standard normal number, 95 of 100 are as near to 0
NEEDS = 20
TOO_FEW = "with fewer, samples of another class or ones that are all alike may pass for real images"


def general_measures(
    real: Pixels, drawn: Pixels, support: Pixels | None, extractor: Extractor, seed: int = 0
) -> dict[str, Measure]:
    """Scores by name, each beside its baseline; see :func:`l2laug.evaluation.scores.measure`.

    Args:
        real: uint8 ``(N, C, S, S)`` real images of the class.
        drawn: samples of the same size.
        support: what adapt saw, where ``real`` are others: without that data-copying is not
            measured.
        extractor: the general net.
        seed: of the splits.
    """
    random = np.random.default_rng(seed)
    half = min(len(real), MOST) // 2
    wanted = min(len(drawn), MOST, SPLITS[1] * (half + 1))  # more than all splits can take
    real, drawn = (
        side[random.permutation(len(side))[:most]] for side, most in ((real, MOST), (drawn, wanted))
    )
    known = None if support is None else extractor(support)
    return measure(extractor(real), extractor(drawn), extractor, seed, general_scores(known, seed))


def general_scores(support: Features | None, seed: int = 0) -> dict[str, Score]:
    """The scores by name.

    Args:
        support: features ``(K, D)`` of what adapt saw; None leaves data-copying out.
        seed: of relabellings and of k-means.
    """
    found = {
        "two-sample accuracy": Score(
            lambda real, drawn: classifier_test(real, drawn).accuracy,
            5,
            NEEDS,
            TOO_FEW,
            "samples are told from real images less easily than other real images are",
            "samples are told from real images more easily than other real images are",
            _relabelled(seed),
        ),
        "mmd": Score(gaussian_mmd, 2, NEEDS, TOO_FEW, NEAR, FAR),
        "vendi score": Score(
            lambda _, drawn: vendi_score(drawn),
            2,
            NEEDS,
            TOO_FEW,
            "samples amount to fewer different images than as many real images do",
            "samples amount to more different images than as many real images do",
            lambda real, drawn: vendi_chance(real, drawn, RELABELLINGS, seed),
        ),
    }
    if support is not None:
        found["data-copying C_T"] = Score(
            lambda real, drawn: data_copying(support, real, drawn, seed),
            4,
            NEEDS,
            "with fewer it is no normal number",
            "samples lie nearer to support images than other real images do: they copy",
            "samples lie farther from support images than other real images do",
            lambda _real, _drawn: (-NORMAL, NORMAL),
        )
    return found


def _relabelled(seed: int) -> Callable[[Features, Features], tuple[float, float]]:
    def interval(real: Features, drawn: Features) -> tuple[float, float]:
        test = classifier_test(real, drawn, RELABELLINGS, seed)
        return test.low, test.high

    return interval
