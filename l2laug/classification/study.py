"""The setting of a classifier study and its images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from l2laug.config.evaluation_options import SEEDS
from l2laug.core.arrays import Pixels
from l2laug.data.image_set import ImageSet

FEWEST_STEPS, STEPS_A_CLASS = 200, 8
MOST_SAMPLES = 500  # that a study looks at; with its few steps it would hardly see more


@dataclass(frozen=True)
class StudyData:
    """The images of a classifier study.

    Attributes:
        train: real images of every class, the support set of the rare one among them.
        test: real images of the same classes, none of which adapt or training saw.
        rare: name of the rare class.
        samples: uint8 ``(N, C, S, S)`` drawn of it.
        larger: reads the same images again, in the same order, at the size and with the channels
            asked for; without it those at hand are resized.
        units: ``(N,)`` of the training images: those of one number, near-identical or of one group,
            are held out together; each for itself where there are none.
    """

    train: ImageSet
    test: ImageSet
    rare: str
    samples: Pixels
    larger: Callable[[int, int], StudyData] | None = None
    units: NDArray[np.int64] | None = None

    @property
    def label(self) -> int:
        """The rare class's."""
        return self.train.classes.index(self.rare)


@dataclass(frozen=True)
class Study:
    """The setting of a classifier study.

    Adding samples does two things: the rare class is seen more often, and more of it is seen. Only
    the second is to be tested, so all arms but ``none`` see the rare class equally often, and
    differ in what fills its draws: its few real images again and again, changed ones, or samples
    for a share of them. The base classes keep the proportions that they have in the folder.

    Attributes:
        heads: the classifiers: ``probe``, ``small``, ``tune``, or a timm model's name, from random
            weights, or with ``@PATH`` or ``@pretrained`` behind it.
        arms: ``quick``, ``full`` or single rivals, see :func:`choose_arms`.
        flips: ``yes``, ``no``, or ``auto`` to find out which flips the classes survive.
        seeds: trainings of each arm; arms with the same seed start alike.
        steps: of each training of a net; see :func:`usual_steps`.
        batch: images a step.
        seed: of everything random in the study: views, parts held out, trainings.
    """

    heads: tuple[str, ...]
    arms: tuple[str, ...] = ("quick",)
    flips: str = "auto"
    seeds: int = SEEDS
    steps: int = FEWEST_STEPS
    batch: int = 32
    seed: int = 0

    @property
    def again(self) -> Study:
        """The same study with nothing random in common."""
        return replace(self, seed=self.seed + 1)

    @property
    def training_seeds(self) -> range:
        """The seeds of the trainings of each arm; other studies' are others."""
        return range(self.seed * self.seeds, (self.seed + 1) * self.seeds)


def usual_steps(classes: int) -> int:
    """How long a training takes unless told otherwise.

    200 steps serve 25 classes. Of 100 characters they leave a net that knows next to none of the
    rare class, 800 one that knows most.
    """
    return max(FEWEST_STEPS, STEPS_A_CLASS * classes)
