from __future__ import annotations

import pytest

from l2laug.commands.augmenting.rare_classes import find_rare
from l2laug.core.errors import UsageError

TWELVE = dict(
    zip("abcdefghijkl", (16, 203, 192, 220, 172, 143, 22, 89, 31, 89, 10, 204), strict=True)
)


def test_fewer_than_a_third_of_the_median_class() -> None:
    found = find_rare(TWELVE, None, ())
    # in the middle are 89 and 143, a third of which is 47.7; in the middle of the other eight
    # (89 89 143 172 192 203 204 220) are 172 and 192
    assert (found.names, found.target) == (tuple("agik"), 192)
    assert "fewer than 48 images" in found.rule


def test_one_of_two_classes() -> None:
    assert find_rare({"a": 3, "b": 12}, None, ()).names == ("a",)
    assert find_rare({"a": 5, "b": 12}, None, ()).names == ()


def test_small_classes_beside_a_large_one() -> None:
    found = find_rare({"good": 209, "hole": 10, "scratch": 12}, None, ())
    assert (found.names, found.target) == (("hole", "scratch"), 209)


def test_to_count_fills_all_that_have_fewer() -> None:
    assert find_rare(TWELVE, "200", ()).names == tuple("acefghijk")
    assert find_rare(TWELVE, "max", ()).target == 220
    assert find_rare(TWELVE, "median", ()).target == 143


def test_named_ones_are_taken_as_they_are() -> None:
    found = find_rare(TWELVE, "200", ("k", "h"))
    assert (found.names, found.target, found.rule) == (("h", "k"), 200, "named by --rare")


def test_equal_classes_are_not_rare() -> None:
    assert find_rare({"a": 50, "b": 50, "c": 49}, None, ()).names == ()


@pytest.mark.parametrize("count", ["0", "-3", "many", "1.5"])
def test_what_is_no_count(count: str) -> None:
    with pytest.raises(UsageError, match="no count"):
        find_rare(TWELVE, count, ())


def test_a_class_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="no class z"):
        find_rare(TWELVE, None, ("z",))
