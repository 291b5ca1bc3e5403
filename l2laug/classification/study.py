"""The setting of a classifier study: what is trained, how long, how often."""

from __future__ import annotations

from dataclasses import dataclass

from l2laug.config.evaluation_options import SEEDS, SMALL
from l2laug.core.arrays import Pixels
from l2laug.data.image_set import ImageSet

SWEEP = (0.25, 0.75)
FEWEST_STEPS, STEPS_A_CLASS = 200, 8
# The trainings of which the best one counts, without samples and with them.
WITHOUT = ("classical", "oversampling", "none")
WITH = ("classical + l2laug", "l2laug")


@dataclass(frozen=True)
class StudyData:
    """The images of a classifier study.

    Attributes:
        train: real images of every class, the support set of the rare one among them.
        test: real images of the same classes, none of which adapt or training saw.
        rare: name of the rare class.
        samples: uint8 ``(N, C, S, S)`` drawn of it.
    """

    train: ImageSet
    test: ImageSet
    rare: str
    samples: Pixels


@dataclass(frozen=True)
class Study:
    """The setting of a classifier study.

    Adding samples does two things: the rare class is seen more often, and more of it is seen. Only
    the second is to be tested, so all arms but ``none`` see the rare class equally often, and
    differ in what fills its draws: its few real images again and again, or samples for a share of
    them. The base classes keep the proportions that they have in the folder.

    Attributes:
        model: ``small`` or a timm model's name, trained from random weights, or ``NAME@PATH`` or
            ``NAME@pretrained``. ``small`` is timm's resnet10t at half its width: as good as a whole
            one on digits of which five are shown, at less than half the time. What the study
            compares is the arms, not the model.
        steps: of each training; see :func:`usual_steps`.
        batch: images a step.
        learning_rate: the largest of a one-cycle schedule.
        share: of the rare class's draws that are samples, in the arms that have them.
        seeds: how many trainings an arm gets; arms with the same seed start alike.
        sweep: other shares at which the arm that the verdict is of is trained too.
    """

    model: str = SMALL
    steps: int = FEWEST_STEPS
    batch: int = 32
    learning_rate: float = 1e-3
    share: float = 0.5
    seeds: int = SEEDS
    sweep: tuple[float, ...] = ()


def usual_steps(classes: int) -> int:
    """How long a training takes unless told otherwise.

    200 steps serve 25 classes. Of 100 characters they leave a net that knows next to none of the
    rare class, 800 one that knows most.
    """
    return max(FEWEST_STEPS, STEPS_A_CLASS * classes)
