"""Intervals and deviations against tables and by hand."""

from __future__ import annotations

import pytest

from l2laug.metrics.intervals import mean_and_deviation, wilson_share


def test_wilsons_interval_of_half():
    """5 of 10: (p + z^2/2n ± z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n) with z = 1.96."""
    share = wilson_share(5, 10)

    assert (share.value, share.count) == (0.5, 10)
    assert (share.low, share.high) == pytest.approx((0.2366, 0.7634), abs=1e-4)


def test_none_of_ten_may_still_be_a_quarter():
    """0 of n: from 0 to z^2 / (n + z^2)."""
    share = wilson_share(0, 10)

    assert share.low == pytest.approx(0, abs=1e-12)
    assert share.high == pytest.approx(3.8415 / 13.8415, abs=1e-4)


def test_the_deviation_of_a_sample_divides_by_one_less():
    assert mean_and_deviation([2, 4, 6]) == (4, 2)
    assert mean_and_deviation([2, 4]) == (3, pytest.approx(2**0.5))


def test_one_value_has_no_deviation():
    assert mean_and_deviation([2.5]) == (2.5, None)
