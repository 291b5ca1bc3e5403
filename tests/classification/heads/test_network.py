"""Nets that learn as a whole, on classes that are trivially told apart."""

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

from l2laug.classification.arms.extras import Extra
from l2laug.classification.arms.policy import Policy
from l2laug.classification.arms.registry import Setting
from l2laug.classification.heads import network
from l2laug.classification.heads.network import Network
from l2laug.classification.predictions import Labels
from l2laug.classification.results_cache import ResultsCache
from l2laug.classification.study import Study, StudyData
from l2laug.core.arrays import Pixels
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


NONE, REPEATED = Setting(balanced=False), Setting()
CLASSICAL = Setting(Policy(classical=1.0))
SAMPLES = Setting(extra="samples", share=0.5)
BOTH = replace(CLASSICAL, extra="samples", share=0.5)
EVERY = (NONE, REPEATED, CLASSICAL, SAMPLES, BOTH)


def head(
    train: ImageSet,
    test: ImageSet,
    samples: Pixels,
    cache: ResultsCache | None = None,
    model: str = "test_resnet",
    steps: int = 60,
) -> Network:
    data = StudyData(train, test, "right", samples)
    parents = np.full((len(samples), 1), int(np.flatnonzero(train.labels == 1)[0]))
    extras = {"samples": Extra(samples, parents)}
    study = Study((model,), steps=steps, batch=16)
    return Network(model, data, extras, study, ENGINE, cache or ResultsCache(None))


def study(
    *words: Any, settings: tuple[Setting, ...] = EVERY, seeds: int = 1, **options: Any
) -> list[Labels]:
    net = head(*words, **options)
    return [
        net.answer(setting, 1e-2, seed).guesses for seed in range(seeds) for setting in settings
    ]


def test_what_is_easily_told_apart_is_told_apart_by_every_arm():
    train, test = halves(8, 0), halves(20, 1)

    for guesses in study(train, test, halves(8, 2).of(["right"]).pixels, settings=(NONE, BOTH)):
        assert guesses.tolist() == test.labels.tolist()


def test_samples_teach_what_the_real_images_do_not_show():
    """Both classes look like "left" but for the samples, which take the place of all the rest."""
    left = halves(8, 0).of(["left"]).pixels
    train, test = replace(halves(8, 0), pixels=np.concatenate([left, left])), halves(20, 1)
    drawn = halves(8, 2).of(["right"]).pixels
    settings = (replace(SAMPLES, share=1.0), replace(BOTH, share=1.0))

    for guesses in study(train, test, drawn, settings=settings):
        assert guesses.tolist() == test.labels.tolist()


def test_the_default_net_takes_grey_and_colour():
    for channels in (1, 3):
        images = halves(3, 0)
        images = replace(images, pixels=np.repeat(images.pixels, channels, 1))

        (guesses,) = study(images, images, images.pixels, None, "small", 2, settings=(BOTH,))

        assert len(guesses) == 6


def test_held_out_images_are_not_learned_from_and_are_what_the_loss_is_of():
    train = halves(8, 0)
    net = head(train, train, train.pixels[:2], steps=120)

    good, bad = net.losses(REPEATED, (1e-2, 1e-9), [np.array([0, 8])])

    assert good < 0.3
    assert bad == pytest.approx(np.log(2), abs=0.3), "a net that learned nothing"
    batches = list(net.batches(REPEATED, 0, 30, np.array([0, 8])))
    shown = {p.numpy().tobytes() for pixels, _ in batches for p in pixels}
    assert len(shown) == 14
    assert train.pixels[0].tobytes() not in shown


def test_samples_of_a_held_out_image_are_held_out_with_it():
    train, white = halves(8, 0), np.full((3, 1, 32, 32), 255, np.uint8)
    net = head(train, train, white)

    def white_ones(held: list[int]) -> int:
        batches = net.batches(SAMPLES, 0, 20, np.array(held, dtype=np.int64))
        return sum(int((pixels.flatten(1) == 255).all(1).sum()) for pixels, _ in batches)

    assert white_ones([]) > 20
    assert white_ones([8]) == 0, "8 is what they were made of"
    assert white_ones([9]) > 20


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


def recorded(recorders: list[Recorder], *words: Any, **options: Any) -> list[Pixels]:
    """The images of each training; the first net built is only looked at."""
    study(*words, **options)
    return [r.pixels() for r in recorders if r.seen]


def test_all_arms_but_none_see_the_rare_class_as_often_as_an_average_one(
    recorders: list[Recorder],
):
    drawn = halves(5, 2).of(["right"]).pixels
    seen = recorded(recorders, few_right(), halves(4, 1), drawn, steps=100)

    shares = [is_right(pixels).mean() for pixels in seen]

    # Of 1600 draws a tenth and a half; a standard deviation is 0.0075 and 0.0125.
    assert shares[0] == pytest.approx(0.1, abs=0.03)
    assert shares[1:] == pytest.approx([0.5] * 4, abs=0.05)


def test_arms_of_a_seed_see_the_same_images_but_where_one_stands_in_for_another(
    recorders: list[Recorder],
):
    white = np.full((3, 1, 32, 32), 255, np.uint8)
    seen = recorded(recorders, few_right(), halves(4, 1), white, seeds=2, steps=20)

    none, repeated, _, sampled, _, other_seed, *_ = seen
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
    settings = tuple(replace(BOTH, share=share) for share in (0.25, 0.5, 0.75))
    seen = recorded(recorders, few_right(), halves(4, 1), white, settings=settings, steps=20)

    # Classical augmentation leaves a white picture plain, and no other.
    quarter, half, most = (pixels.std((1, 2, 3)) == 0 for pixels in seen)
    assert quarter.sum() < half.sum() < most.sum()
    assert (quarter <= half).all()
    assert (half <= most).all()


def test_a_policy_changes_the_images_and_nothing_else_does(recorders: list[Recorder]):
    train = halves(6, 0)
    known = {p.tobytes() for p in train.pixels}

    plain, _, classical, *_ = recorded(recorders, train, halves(4, 1), halves(3, 2).pixels, steps=2)

    assert all(image.tobytes() in known for image in plain)
    assert not any(image.tobytes() in known for image in classical)


def test_a_study_that_was_stopped_goes_on_where_it_was_and_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    images, drawn, path = halves(6, 0), halves(4, 2).pixels, tmp_path / "classifier.jsonl"
    held = [np.array([0, 6])]

    def run(cache: ResultsCache, samples: Pixels = drawn, steps: int = 3) -> list[Any]:
        net = head(images, images, samples, cache, steps=steps)
        losses = net.losses(REPEATED, (1e-2,), held).tolist()
        return [losses, *(net.answer(s, 1e-2, 0).margins.tolist() for s in EVERY)]

    whole = run(ResultsCache(None))
    real, trained = network.Network.train, list[Setting]()

    def counted(self: Network, setting: Setting, *words: Any) -> nn.Module:
        if len(trained) == 3:
            raise KeyboardInterrupt
        trained.append(setting)
        return real(self, setting, *words)

    monkeypatch.setattr(network.Network, "train", counted)
    with pytest.raises(KeyboardInterrupt):
        run(ResultsCache(path))
    assert len(path.read_text().splitlines()) == 3
    trained.clear()
    assert run(ResultsCache(path)) == whole
    assert trained == list(EVERY[2:])
    trained.clear()
    assert run(ResultsCache(path)) == whole
    assert trained == []
    # Other samples are nothing to the arms that have none.
    run(ResultsCache(path), drawn[1:])
    assert trained == [SAMPLES, BOTH]
