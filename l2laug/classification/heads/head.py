"""What every head can do: say how well a setting does on held-out images, and test it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import scipy.special
from numpy.typing import NDArray

from l2laug.classification.arms.registry import Setting
from l2laug.classification.predictions import Answers, Labels

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]
LEAST = 1e-6  # chance of a class: so that one image that is wholly wrong does not decide alone
TEMPERATURES = np.geomspace(0.25, 16, 25)


class Head(Protocol):
    """A kind of classifier.

    Attributes:
        name: as people give it.
        rates: what is tuned beside strengths: inverse regularisation C, or learning rates.
        shared: whether one rate serves all arms, chosen with oversampling; else each has its own.
        folds: into how many parts the training images are split.
        tries: how many of the parts are tested on.
    """

    name: str
    rates: Sequence[float]
    shared: bool
    folds: int
    tries: int

    def losses(self, setting: Setting, rates: Sequence[float], folds: Sequence[Rows]) -> Floats:
        """The loss of each rate, :func:`balanced_loss` of the held-out rows, ``(len(rates),)``."""
        ...

    def answer(self, setting: Setting, rate: float, seed: int) -> Answers:
        """What a classifier that was trained so says of the test images."""
        ...

    def describe(self) -> dict[str, object]:
        """What the report says of it."""
        ...


def balanced_loss(chances: Floats, labels: Labels, rare: int) -> float:
    """Cross-entropy, half of it the rare class's mean and half of it the others'.

    It is that at the temperature that suits the chances best (Guo et al. 2017): what counts is
    which class is likelier, not how sure a classifier is. Of a few rare images some are always
    wrong, and at a fixed temperature the least sure classifier would win, however much it mixes up.

    Args:
        chances: ``(N, K)``.
        labels: ``(N,)``.
        rare: which is the rare class; where one side has no image the other counts alone.
    """
    logits = np.log(np.maximum(chances, LEAST))
    is_rare = labels == rare
    sides = [side for side in (is_rare, ~is_rare) if side.any()]
    losses = []
    for temperature in TEMPERATURES:
        tempered = logits / temperature
        own = tempered[np.arange(len(labels)), labels]
        each = scipy.special.logsumexp(tempered, axis=1) - own
        losses.append(np.mean([each[side].mean() for side in sides]))
    return float(min(losses))
