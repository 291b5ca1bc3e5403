"""An image of a class that looks like another one is named; images that vary are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from l2laug.data.image_set import read_classes
from l2laug.evaluation.odd_labels import find_odd, odd_labels
from l2laug.features.general import load_general_net


def around(direction: int, count: int, spread: float, seed: int) -> np.ndarray:
    """Directions near an axis of 30."""
    found = spread * np.random.default_rng(seed).standard_normal((count, 30))
    found[:, direction] += 1
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_the_one_that_lies_in_another_class_is_found() -> None:
    known = {"b": around(1, 20, 0.1, 0), "c": around(2, 20, 0.1, 1)}
    own = around(0, 5, 0.1, 2)
    assert find_odd(own, known) == []
    assert find_odd(np.concatenate([own, around(2, 1, 0.1, 3)]), known) == [(5, "c")]


def test_one_that_is_like_nothing_else_keeps_its_label() -> None:
    known = {"b": around(1, 20, 0.1, 0)}
    assert find_odd(np.concatenate([around(0, 5, 0.1, 2), around(7, 1, 0.1, 3)]), known) == []


@pytest.mark.parametrize("count", [0, 1, 3])
def test_of_too_few_nothing_is_said(count: int) -> None:
    assert find_odd(around(0, count, 0.1, 0), {"b": around(1, 20, 0.1, 0)}) == []
    assert find_odd(around(0, 6, 0.1, 0), {}) == []


def test_a_zero_among_sevens_is_named(digits: Path) -> None:
    sevens, zero = sorted((digits / "7").iterdir())[:5], sorted((digits / "0").iterdir())[:1]
    base = read_classes({n: sorted((digits / n).iterdir())[2:] for n in "0146"}, 32, 1)
    net = load_general_net()
    assert odd_labels(read_classes({"7": sevens}, 32, 1), base, net) == []
    [said] = odd_labels(read_classes({"7": [*sevens, *zero]}, 32, 1), base, net)
    assert said == (
        f"{zero[0]} looks more like class 0 than like the other images of 7: is its label right?"
    )
