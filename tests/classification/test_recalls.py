"""Recalls of every class, and who pays for the rare one."""

from __future__ import annotations

import numpy as np
import pytest

from l2laug.classification.recalls import class_recalls, loses_most

LABELS = np.repeat([0, 1, 2], [10, 10, 4])  # 2 is rare; of a fourth class there are no images
CLASSES = ("a", "b", "rare", "untested")


def guesses(wrong_a: int, wrong_b: int, wrong_rare: int) -> np.ndarray:
    """So many images of each class are taken for another."""
    found = LABELS.copy()
    for label, count in enumerate((wrong_a, wrong_b, wrong_rare)):
        found[np.flatnonzero(label == LABELS)[:count]] = (label + 1) % 3
    return found


def test_recalls_and_wilsons_interval_by_hand():
    without = np.stack([guesses(0, 5, 4), guesses(2, 5, 2)])

    a, b, rare = class_recalls(LABELS, CLASSES, without, np.stack([LABELS, LABELS]))

    assert (a.name, a.without.value, a.with_samples.value) == ("a", 0.9, 1.0)
    assert rare.without.value == pytest.approx(0.25)
    assert rare.change == pytest.approx(0.75)
    # Five of ten: (0.5 + z**2 / 20 +- z * sqrt(0.25 / 10 + z**2 / 400)) / (1 + z**2 / 10).
    assert (b.without.low, b.without.high) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert b.without.count == 10
    assert loses_most([a, b, rare], "rare") is None


def test_the_other_class_that_falls_most_is_named():
    found = class_recalls(LABELS, CLASSES, guesses(0, 0, 4)[None], guesses(1, 3, 0)[None])

    lost = loses_most(found, "rare")

    assert lost is not None
    assert (lost.name, lost.change) == ("b", pytest.approx(-0.3))
