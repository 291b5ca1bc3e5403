"""The ways to train a classifier that a study compares."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Arm:
    """One way to train on the same real images.

    Attributes:
        name: shown to people.
        balanced: the rare class is drawn as often as an average class; else as seldom as it is.
        classical: every image drawn is changed by classical augmentation.
        samples: a share of the rare class's draws are samples.
    """

    name: str
    balanced: bool
    classical: bool
    samples: bool


NONE = Arm("none", balanced=False, classical=False, samples=False)
OVERSAMPLING = Arm("oversampling", balanced=True, classical=False, samples=False)
CLASSICAL = Arm("classical", balanced=True, classical=True, samples=False)
SAMPLES = Arm("l2laug", balanced=True, classical=False, samples=True)
BOTH = Arm("classical + l2laug", balanced=True, classical=True, samples=True)
ARMS = (NONE, OVERSAMPLING, CLASSICAL, SAMPLES, BOTH)
