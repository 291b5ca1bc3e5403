"""The stages of augment, each with the seconds that it takes on an everyday machine."""

from __future__ import annotations

from collections.abc import Sequence

from l2laug.commands.augmenting.plan import AugmentPlan, ClassPlan
from l2laug.core.stages import Stage

LEARN, MEASURE, DRAW, WRITE = "learn", "measure", "draw", "write"
# On two cores: to learn at all and a class more, to measure one, to draw and write an image.
TUNING, LEARNING, MEASURING, DRAWING, WRITING = 120.0, 15.0, 90.0, 0.02, 0.001


def learning(
    classes: Sequence[ClassPlan], how: str = "", seconds: float | None = None
) -> list[Stage]:
    """To adapt models to some classes, if there are any.

    Args:
        classes: to learn.
        how: behind their names.
        seconds: that training takes at most, if that is limited.
    """
    if not classes:
        return []
    named = ", ".join(c.name for c in classes)
    tuning = TUNING if seconds is None else min(TUNING, seconds)
    each = LEARNING * len(classes)
    return [Stage(LEARN, f"learning {named}{how}", tuning + each, tail=each, cut=seconds)]


def measuring(c: ClassPlan) -> Stage:
    """To find out whether samples of a class help."""
    return Stage(MEASURE, f"measuring {c.name}", MEASURING)


def drawing(classes: Sequence[ClassPlan]) -> list[Stage]:
    """To draw what classes lack."""
    return [Stage(DRAW, f"drawing {c.name}", c.missing * DRAWING) for c in classes]


def writing(plan: AugmentPlan) -> Stage:
    """To write the data set again."""
    return Stage(WRITE, "writing the data set", len(plan.dataset.items) * WRITING)
