"""Tables of a benchmark: means, deviations and what is not known."""

from __future__ import annotations

import pytest

from l2laug.reports.paper.benchmark import markdown_lines, summarised


def test_rows_are_means_over_the_seeds():
    found = {
        "real images": [{"fid": 1.0, "copies": None}, {"fid": 3.0, "copies": None}],
        "dagan": [
            {"steps": 4, "fid": 5.0, "copies": 0.5},
            {"steps": 4, "fid": 7.0, "copies": None},
        ],
    }

    real, dagan = summarised(found)

    # Of 1 and 3 the sample's standard deviation is the root of 2.
    assert (real["method"], real["seeds"], real["fid"]) == ("real images", 2, 2.0)
    assert real["fid_deviation"] == pytest.approx(2**0.5)
    assert real["copies"] is None
    assert (dagan["copies"], dagan["steps"]) == (0.5, 4)
    assert "steps_deviation" not in dagan

    head, _, first, second = markdown_lines([real, dagan])
    assert head == "| method | seeds | fid | copies | steps |"
    assert first == "| real images | 2 | 2.000 ± 1.414 | - | - |"
    assert second == "| dagan | 2 | 6.000 ± 1.414 | 0.500 | 4 |"
