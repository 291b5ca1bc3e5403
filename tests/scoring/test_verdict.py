"""Verdicts against intervals worked out with a table of Student's t."""

from __future__ import annotations

import pytest

from l2laug.scoring.verdict import judge

# t for 95 %, two-sided, 2 degrees of freedom is 4.303; gaps 0.02 apart deviate by 0.02.
HALF = 4.3027 * 0.02 / 3**0.5


def test_a_gain_beyond_the_interval_helps():
    verdict = judge([0.5, 0.6, 0.7], [0.6, 0.72, 0.84])

    assert verdict.word == "helps"
    assert verdict.difference == pytest.approx(0.12)
    assert (verdict.low, verdict.high) == pytest.approx((0.12 - HALF, 0.12 + HALF), abs=1e-5)


def test_a_loss_beyond_the_interval_hurts():
    verdict = judge([0.6, 0.72, 0.84], [0.5, 0.6, 0.7])

    assert verdict.word == "hurts"
    assert (verdict.low, verdict.high) == pytest.approx((-0.12 - HALF, HALF - 0.12), abs=1e-5)


def test_a_gain_within_the_interval_is_unclear():
    # Mean 0.2, standard error 0.0577, half the interval 0.248.
    verdict = judge([0.5, 0.5, 0.5], [0.6, 0.7, 0.8])

    assert verdict.word == "unclear"
    assert verdict.low == pytest.approx(0.2 - 0.2484, abs=1e-4)


def test_pairs_are_compared_with_each_other():
    """The same scores in another order: each seed gains alike, or the gains cancel out."""
    assert judge([0.1, 0.5, 0.9], [0.11, 0.51, 0.91]).word == "helps"
    assert judge([0.1, 0.5, 0.9], [0.91, 0.11, 0.51]).word == "unclear"


def test_no_difference_at_all_is_unclear():
    assert judge([0.5, 0.7], [0.5, 0.7]).word == "unclear"


def test_one_pair_proves_nothing():
    verdict = judge([0.1], [0.9])

    assert (verdict.word, verdict.low, verdict.high) == ("unclear", -1, 1)
