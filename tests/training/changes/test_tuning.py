"""Tuning on the user's classes is kept where held-out pairs gain by it, and only there."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from l2laug.config.change import ChangeTrainingOptions
from l2laug.core.arrays import Pixels
from l2laug.data.image_set import ImageSet
from l2laug.features.general import WIDTH
from l2laug.nn.changes.encoder import ChangeEncoder
from l2laug.nn.changes.generator import ChangeGenerator
from l2laug.training.changes.tuning import TunedChange, tune_change
from tests.training.changes.test_trainer import COUNT, Pooled, trainer, varied

# Any two of the images make a pair: the nearest of so many differ by nothing.
OPTIONS = ChangeTrainingOptions(
    batch=8, base_steps=150, base_learning_rate=2e-3, average=0.9, neighbours=COUNT - 1
)


class Padded(Pooled):
    """The stand-in, as wide as the general net."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        found = super().forward(x) * self.scale
        return F.pad(found, (0, WIDTH - found.shape[1]))


def tune(
    pixels: Pixels, seconds: float | None = None, **changed: float
) -> tuple[ChangeGenerator, TunedChange]:
    """A new generator, tuned on one class."""
    new = trainer(1)
    nets: tuple[ChangeGenerator, ChangeEncoder] = (new.average, new.encoder)
    labels = np.zeros(len(pixels), np.int64)
    images = ImageSet(pixels, labels, ("light",), (Path("x.png"),) * len(pixels))
    options = OPTIONS.model_copy(update=changed)
    return nets[0], tune_change(nets, Padded(), images, options, new.session, seconds)


def test_what_held_out_pairs_gain_by_is_kept() -> None:
    before, found = tune(varied("light"))
    assert found.after < 0.95 * found.before
    assert found.steps == 150
    assert found.generator is not before
    assert not any(parameter.requires_grad for parameter in before.parameters())
    assert before.motion[-1].get_parameter("bias").abs().max() == 0  # what was given is as it was


def test_a_budget_ends_it() -> None:
    _, found = tune(varied("light"), seconds=0.0)
    assert found.steps <= 1  # looked at before each step


def test_harm_is_undone_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def ruin(trainer: object, *_: object, **__: object) -> ChangeGenerator:
        ruined: ChangeGenerator = trainer.average  # type: ignore[attr-defined]
        with torch.no_grad():
            ruined.motion[-1].get_parameter("bias").fill_(3.0)
        return ruined

    monkeypatch.setattr("l2laug.training.changes.tuning.train_change", ruin)
    before, found = tune(varied("light"))
    assert found.generator is before
    assert found.steps == 0
    assert found.after > found.before
    assert found.describe().startswith("tuning undone")


def test_few_images_cannot_tell() -> None:
    before, found = tune(varied("light")[: COUNT // 6])
    assert found.generator is before
    assert found.steps == 0
    assert math.isnan(found.before)
    assert "too few" in found.describe()
