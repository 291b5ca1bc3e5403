"""How views of a training image differ from it: changes of light, shape and side, in one place."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from l2laug.classification.arms.classical import change_light
from l2laug.classification.arms.erasing import erase
from l2laug.classification.arms.flips import flip
from l2laug.classification.arms.free_form import deform
from l2laug.nn.augment import random_affine
from l2laug.nn.batches import to_batch


@dataclass(frozen=True)
class Policy:
    """What is done to every image that a classifier learns from; nothing by default.

    Attributes:
        classical: strength of light and affine changes, 1 for TrivialAugment's whole range.
        free_form: standard deviation of the control points' shifts, in sides.
        flips: see :func:`flip`; empty for none.
        erasing: the largest part of an image that is erased.
    """

    classical: float = 0.0
    free_form: float = 0.0
    flips: str = ""
    erasing: float = 0.0

    @property
    def plain(self) -> bool:
        """Whether images stay as they are."""
        return self == Policy()


def apply_policy(
    policy: Policy, pixels: Tensor, random: torch.Generator, device: torch.device
) -> Tensor:
    """Views of a batch: light is changed in ``uint8``, everything else in [-1, 1].

    Args:
        policy: what to change.
        pixels: uint8 ``(N, C, S, S)`` with 1 or 3 channels.
        random: a CPU generator.
        device: where the result is to lie.

    Returns:
        ``(N, C, S, S)`` in [-1, 1].
    """
    if policy.classical:
        pixels = change_light(pixels, random, policy.classical)
    x = to_batch(pixels, device)
    if policy.classical:
        x = random_affine(x, random, strength=policy.classical)
    if policy.free_form:
        x = deform(x, random, policy.free_form)
    if policy.flips:
        x = flip(x, random, policy.flips)
    if policy.erasing:
        x = erase(x, random, policy.erasing)
    return x
