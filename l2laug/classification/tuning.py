"""Choose every arm's strength and rate on the training images alone, all with the same budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from l2laug.classification.arms.registry import (
    OVERSAMPLING,
    Arm,
    Setting,
    Strength,
    base_arm,
)
from l2laug.classification.heads.head import Head, Rows
from l2laug.core.progress import Advance


@dataclass(frozen=True)
class Tuned:
    """An arm with what was chosen for it.

    Attributes:
        arm: it.
        strength: one of its own.
        rate: one of the head's.
        setting: what they amount to.
        loss: of the held-out training images; None where nothing was to be chosen.
    """

    arm: Arm
    strength: Strength
    rate: float
    setting: Setting
    loss: float | None


def make_folds(
    labels: NDArray[np.int64],
    rare: int,
    most: int,
    seed: int = 0,
    units: NDArray[np.int64] | None = None,
) -> list[Rows]:
    """Parts of the training images, to be held out one after the other.

    There are as many as the rare class has units, at least two and ``most`` at most, so that each
    holds one of them and none holds them all. What a class has a single unit of is never held out.

    Args:
        labels: ``(N,)``.
        rare: which is the rare class.
        most: parts, at least 2.
        seed: of the split.
        units: ``(N,)``, images of one number stay together; each for itself by default.
    """
    random = np.random.default_rng(seed)
    units = np.arange(len(labels)) if units is None else units
    count = int(np.clip(_units_of(labels, rare, units), 2, most))
    classes = np.unique(labels)
    alone = [units[labels == c][0] for c in classes if _units_of(labels, c, units) == 1]
    home = {int(unit): -1 for unit in alone}
    parts = np.full(len(labels), -1)
    for label in classes:
        mine = random.permutation(np.flatnonzero(labels == label))
        sizes = np.zeros(count, np.int64)
        for row in mine:
            # The smallest part so far, the first of several: without units they take turns.
            parts[row] = home.setdefault(int(units[row]), int(sizes.argmin()))
            sizes[parts[row]] += parts[row] >= 0
    return [rows for i in range(count) if len(rows := np.flatnonzero(parts == i))]


def _units_of(labels: NDArray[np.int64], label: int, units: NDArray[np.int64]) -> int:
    """How many units a class has."""
    return len(np.unique(units[labels == label]))


def count_trainings(
    head: Head,
    arms: Sequence[Arm],
    labels: NDArray[np.int64],
    rare: int,
    units: NDArray[np.int64] | None = None,
) -> int:
    """How many trainings it takes to tune some arms, see :class:`Tuner`."""
    together = np.arange(len(labels)) if units is None else units
    some = _units_of(labels, rare, together) > 1
    parts = len(make_folds(labels, rare, head.folds, units=together)[: head.tries])
    rates = 1 if head.shared else len(head.rates)
    settings = [rates * (len(arm.strengths) if some else 1) for arm in arms]
    return parts * sum(many for many in settings if many > 1)


class Tuner:
    """Tunes arms of one head, those that others add to first.

    Each arm tries up to three strengths, with all of the head's rates, or with the one rate that
    serves all. A single rare image, or unit of them, can't be held out: then the strength is that
    of the middle, and only the rate is tuned, on the other classes.

    Args:
        head: the classifier.
        labels: ``(N,)`` of the training images.
        rare: which is the rare class.
        flips: the sets of flips that classes survive.
        advance: told of every training that is done, see :func:`count_trainings`.
        seed: of what is held out.
        units: ``(N,)`` of the training images, see :func:`make_folds`.
    """

    def __init__(
        self,
        head: Head,
        labels: NDArray[np.int64],
        rare: int,
        flips: Sequence[str],
        advance: Advance,
        seed: int = 0,
        units: NDArray[np.int64] | None = None,
    ) -> None:
        self.head, self.flips, self.advance = head, flips, advance
        together = np.arange(len(labels)) if units is None else units
        self.strengths_too = _units_of(labels, rare, together) > 1
        self.folds = make_folds(labels, rare, head.folds, seed, together)[: head.tries]
        self.rates: Sequence[float] = head.rates
        self.done: dict[str, Tuned] = {}
        if head.shared and self.folds:
            plain = base_arm(OVERSAMPLING, flips).setting(0.0, Setting())
            losses = head.losses(plain, head.rates, self.folds)
            self.rates = (head.rates[int(losses.argmin())],)

    def tune(self, arm: Arm) -> Tuned:
        """The arm's best strength and rate."""
        if arm.name not in self.done:
            under = self.tune(base_arm(arm.on, self.flips)).setting if arm.on else Setting()
            self.done[arm.name] = self._best(arm, under)
        return self.done[arm.name]

    def _best(self, arm: Arm, under: Setting) -> Tuned:
        strengths = arm.strengths if self.strengths_too else (arm.middle,)
        settings = [arm.setting(strength, under) for strength in strengths]
        if not self.folds or len(settings) * len(self.rates) == 1:
            rate = self.rates[len(self.rates) // 2]
            return Tuned(arm, strengths[0], rate, settings[0], None)
        losses = []
        for strength, setting in zip(strengths, settings, strict=True):
            self.advance(0, note=f"{self.head.name}: tuning {arm.name} {strength}")
            losses.append(self.head.losses(setting, self.rates, self.folds))
            self.advance(len(self.rates) * len(self.folds))
        table = np.stack(losses)
        first, second = divmod(int(table.argmin()), len(self.rates))
        chosen = strengths[first], self.rates[second], settings[first]
        return Tuned(arm, *chosen, float(table[first, second]))

    @property
    def budget(self) -> str:
        """What was spent on each arm, in words."""
        rates = len(self.head.rates)
        parts = f"{len(self.folds)} held-out part(s) of the training images"
        if not self.strengths_too:
            return (
                "One image of the rare class can't be held out: strengths are the middle ones, "
                f"{rates} rates were tried on the other classes."
            )
        shared = ", one for all arms" if self.head.shared else ""
        return (
            f"Tuned alike: up to 3 strengths an arm and {rates} rates{shared}, tested on {parts}."
        )
