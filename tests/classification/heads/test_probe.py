"""The probe: what it learns, what it leaves out where something is held out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from l2laug.classification.arms.extras import Extra, extras_of, relate
from l2laug.classification.arms.policy import Policy
from l2laug.classification.arms.registry import Setting
from l2laug.classification.heads.logistic import fit_path
from l2laug.classification.heads.probe import Embedding, Probe, Views
from l2laug.classification.study import StudyData
from l2laug.data.image_set import ImageSet
from l2laug.features.general import load_general_net
from l2laug.runtime.device import Engine

SIDE = 32  # enlarged by the net itself


def squares(counts: tuple[int, ...], seed: int) -> ImageSet:
    """Classes of one bright square each, in a corner of its own, over noise."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    pixels = random.integers(0, 80, (len(labels), 3, SIDE, SIDE))
    for image, label in zip(pixels, labels, strict=True):
        top, left = divmod(int(label), 2)
        image[:, top * 16 : top * 16 + 14, left * 16 : left * 16 + 14] += 150
    names = tuple("abcd"[: len(counts)])
    return ImageSet(pixels.astype(np.uint8), labels, names, (Path(),) * len(labels))


@pytest.fixture(scope="module")
def embedding() -> Embedding:
    return Embedding(load_general_net(), Engine(torch.device("cpu"), torch.float32))


@pytest.fixture(scope="module")
def probe(embedding: Embedding) -> Probe:
    train = squares((8, 3, 8), 0)
    data = StudyData(train, squares((6, 6, 6), 1), "b", squares((0, 5, 0), 2).pixels)
    return Probe(data, extras_of(data, relate(data, embedding.whole)), embedding)


def test_what_is_easily_told_apart_is_told_apart(probe: Probe):
    for setting in (
        Setting(),
        Setting(balanced=False),
        Setting(extra="samples", share=0.5),
        Setting(Policy(free_form=0.02), extra="mixup", share=0.25),
    ):
        guesses = probe.answer(setting, 0.1, seed=0).guesses
        assert (guesses == probe.data.test.labels).mean() > 0.85, setting


def test_a_share_of_one_leaves_real_images_of_the_class_without_a_say(
    probe: Probe, embedding: Embedding
):
    """Samples that look like class c: then its images are taken for the rare class's."""
    data = StudyData(
        probe.data.train.take(np.arange(11)),
        probe.data.test,
        "b",
        squares((0, 0, 9), 3).pixels,
    )
    other = Probe(data, extras_of(data, relate(data, embedding.whole)), embedding)

    guesses = other.answer(Setting(extra="samples", share=1.0), 0.1, 0).guesses

    assert (guesses[data.test.labels == 2] == 1).all()


def test_held_out_images_are_scored_by_models_that_never_saw_them_or_their_like(probe: Probe):
    seen: list[np.ndarray] = []
    views, extra_rows = probe.views(Policy()), probe.extras["samples"].parents[:, 0]
    real = fit_path

    def spy(x: np.ndarray, *rest: object) -> object:
        seen.append(x)
        return real(x, *rest)  # type: ignore[arg-type]

    held = np.array([0, probe.mine[0]])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("l2laug.classification.heads.probe.fit_path", spy)
        losses = probe.losses(Setting(extra="samples", share=0.5), (0.01, 0.1), [held])

    assert losses.shape == (2,)
    (shown,) = seen
    samples_left = int((extra_rows != probe.mine[0]).sum())
    assert len(shown) == len(views.rows) - 2 + samples_left
    for row in held:
        gone = views.features[views.rows == row][0]
        assert not (shown == gone).all(1).any()


def test_a_seed_takes_half_of_each_images_views():
    rows = np.array([3, 3, 3, 3, 5, 5, 7])
    views = Views(np.arange(7, dtype=np.float32)[:, None], rows)

    halves = [views.half(np.random.default_rng(seed)) for seed in range(20)]

    for half in halves:
        assert half.rows.tolist() == [3, 3, 5, 7]
        assert (rows[half.features[:, 0].astype(int)] == half.rows).all()
    assert len({tuple(h.features[:, 0]) for h in halves}) > 3


def test_extra_images_go_with_their_parents():
    extra = Extra(np.zeros((3, 1, 2, 2), np.uint8), np.array([[0, 1], [1, 1], [2, 0]]))

    assert extra.without(np.array([0])).tolist() == [1]
    assert extra.without(np.array([], dtype=np.int64)).tolist() == [0, 1, 2]


def test_weights_count_like_repetitions_and_unknown_classes_have_no_chance():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(30, 4)).astype(np.float32), np.arange(30) % 3
    x[np.arange(30), y] += 1.5
    twice = np.where(np.arange(30) < 10, 2.0, 1.0)

    (weighted,) = fit_path(x, y, twice, (0.1,))
    fields = weighted.chances(x, 5)

    assert fields.shape == (30, 5)
    assert (fields[:, 3:] == 0).all()
    assert fields.sum(1) == pytest.approx(1)
    (scaled,) = fit_path(x, y, twice * 7, (0.1,))
    assert scaled.chances(x, 5) == pytest.approx(fields, abs=1e-6)
