"""What a benchmark is asked for: budgets that are the same, and errors in words."""

from __future__ import annotations

from typing import Any

import pytest

from l2laug.commands.benchmarking.plan import (
    METHODS,
    BenchmarkOptions,
    method_recipe,
    whole_numbers,
)
from l2laug.core.errors import UsageError
from l2laug.methods.registry import images_a_step

# Real images that a step of each shipped recipe sees, counted by hand.
SEEN = {
    "l2l": 2 * 32,
    "dagan": (5 + 1) * 2 * 32,
    "deltagan": (1 + 1) * 2 * 20,
    "matchinggan": (1 + 1) * 3 * 20,
    "f2gan": (1 + 1) * 3 * 20,
    "figr": 10 * 4,
    "dawson": (3 + 3 + 1) * 4,
}


@pytest.mark.parametrize("name", METHODS)
def test_every_method_sees_as_many_images(name: str):
    recipe = method_recipe(name, (32, 1), BenchmarkOptions(steps=300))

    assert images_a_step(recipe) == SEEN[name]
    assert recipe.source.steps * SEEN[name] == pytest.approx(300 * 64, abs=SEEN[name] / 2)
    assert recipe.source.max_seconds is None
    assert recipe.data == method_recipe("l2l", (32, 1), BenchmarkOptions(steps=1)).data


def test_hours_end_a_training_in_place_of_steps():
    recipe = method_recipe("f2gan", (32, 1), BenchmarkOptions(hours=0.5))
    assert recipe.source.max_seconds == 1800
    assert recipe.source.steps > 10**6


def test_all_methods_are_l2l_and_its_six_neighbours():
    assert set(BenchmarkOptions().names) == set(SEEN)
    assert BenchmarkOptions(methods=("figr", "l2l", "figr")).names == ("l2l", "figr")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"methods": ("gan", "l2l"), "steps": 1}, "--methods gan is unknown"),
        ({"shots": 1, "steps": 1}, "Method matchinggan fuses 2 images or more of a class, 1"),
        ({"error_shots": (1, 5), "steps": 1}, "Method matchinggan fuses 2"),
        ({}, "one budget"),
        ({"steps": 1, "hours": 1.0}, "one budget"),
    ],
)
def test_what_can_not_be_done_is_told_in_words(options: dict[str, Any], said: str):
    with pytest.raises(UsageError, match=said):
        BenchmarkOptions(**options).check()


def test_methods_that_draw_from_one_image_are_measured_on_one():
    BenchmarkOptions(methods=("l2l", "dagan"), shots=1, steps=1).check()


def test_whole_numbers_are_sorted_and_anything_else_is_told():
    assert whole_numbers("10, 5,5,") == (5, 10)
    assert whole_numbers("") == ()
    for text in ("5,x", "0", "-3", "1.5"):
        with pytest.raises(UsageError, match="no list of numbers"):
            whole_numbers(text)
