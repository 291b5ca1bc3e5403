"""The classifier study, on classes that are trivially two-sample accuracy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from l2laug.classification import train as classifier
from l2laug.classification.arms import ARMS, BOTH, SAMPLES, Arm
from l2laug.classification.predictions import Trained
from l2laug.classification.results_cache import ResultsCache
from l2laug.classification.study import Study, StudyData
from l2laug.classification.train import run_study
from l2laug.core.arrays import Pixels
from l2laug.core.progress import Progress
from l2laug.data.image_set import ImageSet
from l2laug.runtime.device import Engine

ENGINE = Engine(torch.device("cpu"), torch.float32)


def halves(count: int, seed: int) -> ImageSet:
    """Two classes: noise whose left half is bright, and noise whose right half is."""
    pixels = np.random.default_rng(seed).integers(0, 100, (2 * count, 1, 32, 32))
    labels = np.arange(2).repeat(count)
    pixels[:count, :, :, :16] += 150
    pixels[count:, :, :, 16:] += 150
    return ImageSet(pixels.astype(np.uint8), labels, ("left", "right"), (Path(),) * 2 * count)


def study(
    train: ImageSet,
    test: ImageSet,
    samples: Pixels,
    cache: ResultsCache | None = None,
    arms: tuple[Arm, ...] = ARMS,
    shares: tuple[float, ...] = (),
    **options: Any,
) -> list[Trained]:
    quick = {"model": "test_resnet", "steps": 60, "batch": 16, "learning_rate": 1e-2, "seeds": 1}
    chosen, quiet = Study(**quick | options), Progress(quiet=True)
    data = StudyData(train, test, "right", samples)
    return run_study(data, chosen, ENGINE, quiet, cache, arms, shares)


def test_what_is_easily_told_apart_is_told_apart_by_every_arm():
    train, test = halves(8, 0), halves(20, 1)

    trained = study(train, test, halves(8, 2).of(["right"]).pixels)

    names = ["none", "oversampling", "classical", "l2laug", "classical + l2laug"]
    assert [t.arm for t in trained] == names
    assert [t.share for t in trained] == [0, 0, 0, 0.5, 0.5]
    for one in trained:
        assert one.guesses.tolist() == test.labels.tolist(), one.arm


def test_samples_teach_what_the_real_images_do_not_show():
    """Both classes look like "left" but for the samples, which take the place of all the rest."""
    left = halves(8, 0).of(["left"]).pixels
    train, test = replace(halves(8, 0), pixels=np.concatenate([left, left])), halves(20, 1)

    drawn = halves(8, 2).of(["right"]).pixels
    trained = study(train, test, drawn, arms=(SAMPLES, BOTH), share=1.0)

    assert len(trained) == 2
    for one in trained:
        assert one.guesses.tolist() == test.labels.tolist(), one.arm


def test_the_default_model_takes_grey_and_colour():
    for channels in (1, 3):
        images = halves(3, 0)
        images = replace(images, pixels=np.repeat(images.pixels, channels, 1))

        trained = study(images, images, images.pixels, model=Study.model, steps=2)

        assert [len(t.guesses) for t in trained] == [6] * len(ARMS)


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

    def pixels(self) -> Pixels:
        images: Pixels = ((torch.cat(self.seen) + 1) * 127.5).round().to(torch.uint8).numpy()
        return images


@pytest.fixture
def recorders(monkeypatch: pytest.MonkeyPatch) -> list[Recorder]:
    made: list[Recorder] = []

    def create(*_args: object, **_options: object) -> Recorder:
        made.append(Recorder())
        return made[-1]

    monkeypatch.setattr(timm, "create_model", create)
    return made


def few_right() -> ImageSet:
    """Ninety images that are bright on the left, ten on the right."""
    return halves(90, 0).take(np.arange(100))


def is_right(images: Pixels) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = images[..., 16:].mean((1, 2, 3)) > images[..., :16].mean((1, 2, 3))
    return found


def test_all_arms_but_none_see_the_rare_class_as_often_as_an_average_one(
    recorders: list[Recorder],
):
    study(few_right(), halves(4, 1), halves(5, 2).of(["right"]).pixels, steps=100)

    shares = [is_right(r.pixels()).mean() for r in recorders]

    # Of 1600 draws a tenth and a half; a standard deviation is 0.0075 and 0.0125.
    assert shares[0] == pytest.approx(0.1, abs=0.03)
    assert shares[1:] == pytest.approx([0.5] * 4, abs=0.05)


def test_arms_of_a_seed_see_the_same_images_but_where_one_stands_in_for_another(
    recorders: list[Recorder],
):
    white = np.full((3, 1, 32, 32), 255, np.uint8)
    study(few_right(), halves(4, 1), white, seeds=2, steps=20)

    assert len(recorders) == 2 * len(ARMS)
    none, repeated, _, sampled, _, other_seed, *_ = (r.pixels() for r in recorders)
    changed = (none != repeated).any((1, 2, 3))
    assert is_right(repeated[changed]).all(), "only the rare class takes a place"
    drawn = (sampled == 255).all((1, 2, 3))
    assert (repeated[~drawn] == sampled[~drawn]).all()
    assert is_right(repeated[drawn]).all(), "samples take the rare class's places only"
    assert 0.35 < drawn.sum() / is_right(repeated).sum() < 0.65
    assert (none != other_seed).any()


def test_with_a_larger_share_samples_stand_where_they_stood_and_in_more_places(
    recorders: list[Recorder],
):
    white = np.full((3, 1, 32, 32), 255, np.uint8)
    shares = (0.5, 0.25, 0.75)
    trained = study(few_right(), halves(4, 1), white, arms=(BOTH,), shares=shares, steps=20)

    assert [t.share for t in trained] == [0.5, 0.25, 0.75]
    # Classical augmentation leaves a white picture plain, and no other.
    half, quarter, most = (r.pixels().std((1, 2, 3)) == 0 for r in recorders)
    assert quarter.sum() < half.sum() < most.sum()
    assert (quarter <= half).all()
    assert (half <= most).all()


def test_classical_arms_change_their_images_and_the_others_do_not(recorders: list[Recorder]):
    train = halves(6, 0)
    study(train, halves(4, 1), halves(3, 2).pixels, steps=2)
    known = {p.tobytes() for p in train.pixels}

    plain, _, classical, *_ = (r.pixels() for r in recorders)

    assert all(image.tobytes() in known for image in plain)
    assert not any(image.tobytes() in known for image in classical)


def test_a_study_that_was_stopped_goes_on_where_it_was_and_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    images, drawn, path = halves(6, 0), halves(4, 2).pixels, tmp_path / "classifier.jsonl"
    whole = study(images, images, drawn, steps=3, seeds=2)
    real, calls = classifier._train, iter(range(100))

    def stopped_at_third(*words: Any) -> nn.Module:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return real(*words)

    with monkeypatch.context() as patch:
        patch.setattr(classifier, "_train", stopped_at_third)
        with pytest.raises(KeyboardInterrupt):
            study(images, images, drawn, ResultsCache(path), steps=3, seeds=2)
    assert len(path.read_text().splitlines()) == 2

    trained: list[str] = []

    def counted(*words: Any) -> nn.Module:
        trained.append(words[1].name)
        return real(*words)

    monkeypatch.setattr(classifier, "_train", counted)
    resumed = study(images, images, drawn, ResultsCache(path), steps=3, seeds=2)

    assert len(trained) == 2 * len(ARMS) - 2
    assert [t.guesses.tolist() for t in resumed] == [t.guesses.tolist() for t in whole]

    trained.clear()
    study(images, images, drawn, ResultsCache(path), steps=3, seeds=2)
    assert trained == []
    # Other samples are nothing to the arms that have none; other steps are to all of them.
    study(images, images, drawn[1:], ResultsCache(path), steps=3, seeds=1)
    assert trained == ["l2laug", "classical + l2laug"]
    trained.clear()
    study(images, images, drawn, ResultsCache(path), steps=2, seeds=1)
    assert len(trained) == len(ARMS)
