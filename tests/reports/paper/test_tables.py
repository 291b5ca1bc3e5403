"""The paper's variants of GEMs, each in its table once."""

from __future__ import annotations

from l2laug.config.recipe import GemOptions
from l2laug.reports.paper.tables import gem_ablations, gem_name, gem_types, gem_variants


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
    assert gem_name(GemOptions(episodes="domain")) == f"{gem_name(GemOptions())}, domain episodes"


def test_no_variant_is_trained_twice_or_lost():
    variants = gem_variants(GemOptions(positions=(1, 3)))

    # Three types, two more strategies, one more norm, one position fewer.
    assert len(variants) == 7
    assert len({gem_name(g) for g in variants}) == 7
