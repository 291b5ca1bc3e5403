"""The stages of augment, each with the seconds that it takes on an everyday machine.

Constants are seconds of one core of a cloud machine of 2025, measured with photographs of 128
pixels. What is computed in nets is shared by cores, or done by a GPU; the rest is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import torch

from l2laug.classification.heads.probe import (
    EXTRA_VIEWS,
    MOST_BASE,
    RARE_VIEWS,
    TWO_VIEWS,
    Probe,
)
from l2laug.commands.augmenting.arms import SAMPLES
from l2laug.commands.augmenting.plan import AugmentPlan, ClassPlan
from l2laug.core.stages import Stage
from l2laug.data.datasets.dataset import TRAIN
from l2laug.data.datasets.problems import image_size
from l2laug.runtime.session import Session

LEARN, MEASURE, DRAW, WRITE = "learn", "measure", "draw", "write"
TUNING, LEARNING = 134.0, 9.0  # to learn at all, in nets; a class more
COMPARING, FITTING = 8.0, 24.0  # of measuring: samples with real images; regressions of a probe
VIEW = 0.0043  # to look at one in the general net
POLICIES, EXTRAS = 9, 5  # that a probe looks at all views under, and at samples
NET = 480.0  # to train another head than the probe, in nets
DRAWING, MEGAPIXEL, WRITING = 0.008, 0.11, 0.001  # an image, a million of its pixels; an image
LOOKED_AT = 5  # images of a class, to know how large they are
SHARED = 0.77  # n cores are n to the power of this times as fast as one
GPU = 20.0  # times as fast as one core


@dataclass(frozen=True)
class Pace:
    """How fast nets are computed here.

    Attributes:
        times: as fast as on one core.
    """

    times: float = 1.0

    @classmethod
    def of(cls, session: Session) -> Pace:
        """Of a session's device and of the threads that torch uses."""
        if session.engine.device.type != "cpu":
            return cls(GPU)
        return cls(torch.get_num_threads() ** SHARED)


def learning(
    classes: Sequence[ClassPlan], pace: Pace, how: str = "", seconds: float | None = None
) -> list[Stage]:
    """To adapt models to some classes, if there are any.

    Args:
        classes: to learn.
        pace: of nets.
        how: behind their names.
        seconds: that training takes at most, if that is limited.
    """
    if not classes:
        return []
    named = ", ".join(c.name for c in classes)
    tuning = TUNING / pace.times
    tuning = tuning if seconds is None else min(tuning, seconds)
    each = LEARNING * len(classes)
    return [Stage(LEARN, f"learning {named}{how}", tuning + each, tail=each, cut=seconds)]


def measuring(c: ClassPlan, plan: AugmentPlan, heads: Sequence[str], pace: Pace) -> Stage:
    """To find out whether samples of a class help."""
    others = sum(one.learned for one in plan.classes if one.name != c.name)
    base = min(others, MOST_BASE) * (2 if others <= TWO_VIEWS else 1)
    views = POLICIES * (base + RARE_VIEWS) + EXTRAS * EXTRA_VIEWS
    each = [
        FITTING + VIEW * views / pace.times if head == Probe.name else NET / pace.times
        for head in heads
    ]
    work = COMPARING + SAMPLES * _drawing_one(c, plan) + sum(each)
    return Stage(MEASURE, f"measuring {c.name}", work)


def drawing(classes: Sequence[ClassPlan], plan: AugmentPlan) -> list[Stage]:
    """To draw what classes lack."""
    work = {c.name: c.missing * _drawing_one(c, plan) for c in classes}
    return [Stage(DRAW, f"drawing {name}", seconds) for name, seconds in work.items()]


def _drawing_one(c: ClassPlan, plan: AugmentPlan) -> float:
    """Seconds for an image of a class, by the size of some that there are."""
    some = islice((item for item in plan.dataset.of(TRAIN) if c.name in item.labels), LOOKED_AT)
    sizes = [size for item in some if (size := image_size(item.file)) is not None]
    pixels = sum(w * h for w, h in sizes) / max(len(sizes), 1)
    return DRAWING + MEGAPIXEL * pixels / 1e6


def writing(plan: AugmentPlan) -> Stage:
    """To write the data set again."""
    return Stage(WRITE, "writing the data set", len(plan.dataset.items) * WRITING)
