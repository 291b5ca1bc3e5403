"""Tuning on the user's classes is kept where held-out pairs gain by it, and only there."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from l2laug.config.change import ChangeTrainingOptions
from l2laug.core.arrays import Pixels
from l2laug.data.image_set import ImageSet
from l2laug.features.general import GeneralNet, load_general_net
from l2laug.nn.changes.encoder import ChangeEncoder
from l2laug.nn.changes.generator import ChangeGenerator
from l2laug.training.changes.tuning import TunedChange, tune_change
from tests.training.changes.test_trainer import COUNT, trainer, varied

# Any two of the images make a pair: the nearest of so many differ by nothing.
OPTIONS = ChangeTrainingOptions(
    batch=8, base_steps=150, base_learning_rate=2e-3, average=0.9, neighbours=COUNT - 1
)


@pytest.fixture(scope="module")
def general() -> GeneralNet:
    """The general net."""
    return load_general_net()


def tune(
    pixels: Pixels, general: GeneralNet, **changed: float
) -> tuple[ChangeGenerator, TunedChange]:
    """A new generator, tuned on one class."""
    new = trainer(1)
    nets: tuple[ChangeGenerator, ChangeEncoder] = (new.average, new.encoder)
    labels = np.zeros(len(pixels), np.int64)
    images = ImageSet(pixels, labels, ("light",), (Path("x.png"),) * len(pixels))
    options = OPTIONS.model_copy(update=changed)
    return nets[0], tune_change(nets, general, images, options, new.session)


@pytest.mark.slow
def test_what_held_out_pairs_gain_by_is_kept(general: GeneralNet) -> None:
    before, found = tune(varied("light"), general)
    assert found.after < 0.95 * found.before
    assert found.steps == 150
    assert found.generator is not before
    assert not any(parameter.requires_grad for parameter in before.parameters())
    assert before.motion[-1].get_parameter("bias").abs().max() == 0  # what was given is as it was


def test_harm_is_undone_and_said(general: GeneralNet, monkeypatch: pytest.MonkeyPatch) -> None:
    def ruin(trainer: object, _: object) -> ChangeGenerator:
        ruined: ChangeGenerator = trainer.average  # type: ignore[attr-defined]
        with torch.no_grad():
            ruined.motion[-1].get_parameter("bias").fill_(3.0)
        return ruined

    monkeypatch.setattr("l2laug.training.changes.tuning.train_change", ruin)
    before, found = tune(varied("light"), general)
    assert found.generator is before
    assert found.steps == 0
    assert found.after > found.before
    assert found.describe().startswith("tuning undone")


def test_few_images_cannot_tell(general: GeneralNet) -> None:
    before, found = tune(varied("light")[: COUNT // 6], general)
    assert found.generator is before
    assert found.steps == 0
    assert math.isnan(found.before)
    assert "too few" in found.describe()
