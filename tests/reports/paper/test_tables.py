"""Markdown tables and what their cells say."""

from __future__ import annotations

from l2laug.config.recipe import GemOptions
from l2laug.reports.paper.tables import gem_ablations, gem_name, gem_types, gem_variants
from l2laug.reports.tables import markdown_table, mean_cell


def test_a_name_with_a_bar_does_not_break_its_row():
    lines = markdown_table(("set", "fid"), [["a|b", "1"]])

    assert lines == ["| set | fid |", "|---|---|", "| a\\|b | 1 |"]


def test_cells_hold_mean_and_deviation_of_the_sample():
    assert mean_cell([1, 2, 3]) == "2.000 ± 1.000"
    assert mean_cell([10.0, 30.0], ".3g", ".2g") == "20 ± 14"
    assert mean_cell([0.25]) == "0.250 ± -"


def test_all_types_of_a_table_are_at_the_positions_of_the_recipe():
    gems = GemOptions(positions=(1, 2, 3))

    assert {g.positions for g in gem_types(gems).values()} == {(1, 2, 3)}
    ablated = [(key, value, g.positions) for key, value, g in gem_ablations(gems) if key == "K"]
    assert ablated == [("K", "1", (1,)), ("K", "2", (1, 2)), ("K", "3", (1, 2, 3))]
    assert {g.positions for k, _, g in gem_ablations(gems) if k != "K"} == {(1, 2, 3)}


def test_gems_at_other_positions_have_other_names():
    names = {gem_name(GemOptions(positions=p)) for p in [(0, 1, 2), (1, 2, 3), (0, 2, 4)]}

    assert len(names) == 3
    assert gem_name(GemOptions(residual=False)) != gem_name(GemOptions())


def test_no_variant_is_trained_twice_or_lost():
    variants = gem_variants(GemOptions(positions=(1, 3)))

    # Three types, two more strategies, one more norm, one position fewer.
    assert len(variants) == 7
    assert len({gem_name(g) for g in variants}) == 7
