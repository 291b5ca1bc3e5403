"""Markdown tables and what their cells say."""

from __future__ import annotations

from l2laug.reports.tables import markdown_table, mean_cell


def test_a_name_with_a_bar_does_not_break_its_row():
    lines = markdown_table(("set", "fid"), [["a|b", "1"]])

    assert lines == ["| set | fid |", "|---|---|", "| a\\|b | 1 |"]


def test_cells_hold_mean_and_deviation_of_the_sample():
    assert mean_cell([1, 2, 3]) == "2.000 ± 1.000"
    assert mean_cell([10.0, 30.0], ".3g", ".2g") == "20 ± 14"
    assert mean_cell([0.25]) == "0.250 ± -"
