"""The classifier study, on classes that are trivially told apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from torch import Tensor, nn

from l2laug.errors import UsageError
from l2laug.images import ImageSet, Pixels
from l2laug.nn.device import Engine
from l2laug.progress import Progress
from l2laug.scoring.classifier import ARMS, Outcome, Study, run_study

ENGINE = Engine(torch.device("cpu"), torch.float32)


def halves(count: int, seed: int) -> ImageSet:
    """Two classes: noise whose left half is bright, and noise whose right half is."""
    pixels = np.random.default_rng(seed).integers(0, 100, (2 * count, 1, 32, 32))
    labels = np.arange(2).repeat(count)
    pixels[:count, :, :, :16] += 150
    pixels[count:, :, :, 16:] += 150
    return ImageSet(pixels.astype(np.uint8), labels, ("left", "right"), (Path(),) * 2 * count)


def study(train: ImageSet, test: ImageSet, samples: Pixels, **options: Any) -> list[Outcome]:
    quick = {"model": "test_resnet", "steps": 60, "batch": 16, "learning_rate": 1e-2, "seeds": 1}
    chosen = Study(**quick | options)
    return run_study(train, test, "right", samples, chosen, ENGINE, Progress(quiet=True))


def test_what_is_easily_told_apart_is_told_apart_by_every_arm():
    train, test = halves(8, 0), halves(20, 1)

    outcomes = study(train, test, halves(8, 2).of(["right"]).pixels)

    assert [o.arm for o in outcomes] == ["none", "classical", "l2laug", "classical + l2laug"]
    for outcome in outcomes:
        scores = outcome.accuracy, outcome.macro_f1, outcome.rare_recall, outcome.rare_precision
        assert scores == (1, 1, 1, 1)


def test_samples_teach_what_the_real_images_do_not_show():
    """Both classes look like "left" but for the samples, which take the place of all the rest."""
    left = halves(8, 0).of(["left"]).pixels
    train = replace(halves(8, 0), pixels=np.concatenate([left, left]))

    outcomes = study(train, halves(20, 1), halves(8, 2).of(["right"]).pixels, share=1.0)

    assert outcomes[2].accuracy == outcomes[3].accuracy == 1


class Recorder(nn.Module):
    """Keeps the images it is trained on, and sees class 0 in all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []
        self.weight = nn.Parameter(torch.zeros(2))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.seen.append(x.clone())
        return torch.tensor([1.0, 0.0]).expand(len(x), 2) + self.weight * 0


@pytest.fixture
def recorders(monkeypatch: pytest.MonkeyPatch) -> list[Recorder]:
    made: list[Recorder] = []

    def create(*_args: object, **_options: object) -> Recorder:
        made.append(Recorder())
        return made[-1]

    monkeypatch.setattr(timm, "create_model", create)
    return made


def test_scores_of_a_classifier_that_sees_one_class_everywhere(recorders: list[Recorder]):
    test = halves(4, 1)
    test = test.take(np.arange(5))  # four "left", one "right"

    outcome = study(halves(4, 0), test, halves(4, 2).pixels)[0]

    assert recorders
    assert outcome.accuracy == 0.8
    # F1 of "left" is 2 * 0.8 / 1.8, that of "right" 0.
    assert outcome.macro_f1 == pytest.approx(4 / 9)
    assert (outcome.rare_recall, outcome.rare_precision, outcome.rare_f1) == (0, 0, 0)


def test_arms_of_a_seed_see_the_same_real_images_but_where_a_sample_stands(
    recorders: list[Recorder],
):
    white = np.full((3, 1, 32, 32), 255, np.uint8)
    study(halves(6, 0), halves(4, 1), white, seeds=2, steps=10)

    assert len(recorders) == 2 * len(ARMS)
    none, _, sampled, _, other_seed, *_ = (torch.cat(r.seen) for r in recorders)
    drawn = (sampled == 1).flatten(1).all(1)
    assert torch.equal(none[~drawn], sampled[~drawn])
    assert not torch.equal(none, other_seed)
    # Only images of the rare class, bright on the right, make room: about half of them.
    replaced = none[drawn]
    assert (replaced[..., 16:].mean((1, 2, 3)) > replaced[..., :16].mean((1, 2, 3))).all()
    assert 0.35 < len(replaced) / (none[..., 16:].mean((1, 2, 3)) > 0).sum() < 0.65


def test_classical_arms_change_their_images_and_the_others_do_not(recorders: list[Recorder]):
    train = halves(6, 0)
    study(train, halves(4, 1), halves(3, 2).pixels, steps=2)
    known = {p.tobytes() for p in train.pixels}

    plain, classical = (
        ((torch.cat(r.seen) + 1) * 127.5).round().to(torch.uint8).numpy() for r in recorders[:2]
    )

    assert all(image.tobytes() in known for image in plain)
    assert not any(image.tobytes() in known for image in classical)


def test_an_unknown_model_is_wrong_use():
    with pytest.raises(UsageError, match="resnet9000"):
        study(halves(2, 0), halves(2, 1), halves(2, 2).pixels, model="resnet9000")


def test_a_model_for_images_of_another_size_is_wrong_use():
    with pytest.raises(UsageError, match="32x32"):
        study(halves(2, 0), halves(2, 1), halves(2, 2).pixels, model="vit_tiny_patch16_224")
