"""What a benchmark does: which methods, within which budget, on which classes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from l2laug.config.load import find_recipe, parse_recipe
from l2laug.config.methods import FEWEST, L2L, MethodName
from l2laug.config.recipe import DataOptions, Recipe
from l2laug.core.errors import UsageError
from l2laug.methods.registry import images_a_step

ALL = "all"
PAIRS = 32  # of images, that a step of the budget stands for
METHODS: tuple[str, ...] = get_args(MethodName)
FEATURE_STEPS, ERROR_STEPS, TARGET_STEPS = 3000, 1000, 120  # at most
ENDLESS = 10_000_000  # steps, where time is what ends a training


@dataclass(frozen=True)
class BenchmarkOptions:
    """Which methods are measured, and how.

    Attributes:
        methods: their names, ``all`` for every one.
        shots: images of each held-out class that are shown.
        steps: the budget in images: so many times 64 real images are seen in source training.
        hours: the budget in time, of each source training; in place of steps.
        seeds: repetitions of everything from source training on.
        classes: held-out classes to measure on, the last ones.
        error_shots: real images of a class that classifiers learn from, without and with draws.
        lpips: weights of AlexNet, to measure LPIPS too.
    """

    methods: tuple[str, ...] = (ALL,)
    shots: int = 3
    steps: int | None = None
    hours: float | None = None
    seeds: int = 3
    classes: int = 20
    error_shots: tuple[int, ...] = (5, 10, 15)
    lpips: Path | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The methods, each once, in the order in which they are known."""
        return METHODS if ALL in self.methods else tuple(m for m in METHODS if m in self.methods)

    def check(self) -> None:
        """Make sure that it can be done.

        Raises:
            UsageError: a method is unknown or can't do with so few images, or the budget is none.
        """
        if unknown := [m for m in self.methods if m not in (*METHODS, ALL)]:
            raise UsageError(
                f"--methods {', '.join(unknown)} is unknown.",
                f"Use {', '.join(METHODS)}, or {ALL}.",
            )
        least = min((self.shots, *self.error_shots))
        if short := [m for m in self.names if least < FEWEST.get(m, 1)]:
            raise UsageError(
                f"Method {short[0]} fuses {FEWEST[short[0]]} images or more of a class, "
                f"{least} would be shown.",
                f"Use more --shots or --error-shots, or leave {', '.join(short)} out.",
            )
        if (self.steps is None) == (self.hours is None):
            raise UsageError(
                "A benchmark takes one budget for all methods.", "Give --steps or --hours."
            )

    def describe_budget(self) -> str:
        """In words, for tables."""
        if self.hours is not None:
            return f"{self.hours:g} hours of source training for each method"
        return f"{(self.steps or 0) * 2 * PAIRS:,} real images seen in source training"

    @property
    def error_steps(self) -> int:
        """Steps in which classifiers learn; few where the benchmark is a trial."""
        return ERROR_STEPS if self.steps is None else min(ERROR_STEPS, 5 * self.steps)


def whole_numbers(text: str) -> tuple[int, ...]:
    """Whole numbers above 0 with commas between, sorted; none of an empty text.

    Raises:
        UsageError: it is something else.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise UsageError(f"--error-shots {text} is no list of numbers.", "Use 5,10,15.")
    return tuple(sorted({int(part) for part in parts}))


def method_recipe(name: str, side: tuple[int, int], options: BenchmarkOptions) -> Recipe:
    """The shipped recipe of a method, within the budget and on the data that all share.

    Of ``l2l`` that is ``default``, which has no GEMs in its target and trains none here.

    Args:
        name: of the method.
        side: size and channels.
        options: the budget.
    """
    recipe = find_recipe("default" if name == L2L else name, lambda: side)
    plain: dict[str, Any] = recipe.model_dump(mode="json")
    plain["data"] = DataOptions().model_dump(mode="json")
    plain["weak"]["steps"], plain["gems"]["positions"] = 0, []
    plain["features"]["steps"] = FEATURE_STEPS
    plain["target"] |= {"gems": False, "steps": TARGET_STEPS}
    if options.hours is not None:
        plain["source"] |= {"steps": ENDLESS, "max_seconds": options.hours * 3600}
    else:
        steps = options.steps or 1
        seen = steps * 2 * PAIRS
        plain["source"]["steps"] = max(1, round(seen / images_a_step(recipe)))
        plain["features"]["steps"] = min(FEATURE_STEPS, 10 * steps)
        plain["target"]["steps"] = min(TARGET_STEPS, steps)
    return parse_recipe(plain, f"of method {name}")
