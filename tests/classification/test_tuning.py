"""Tuning takes what is best on held-out training images, the same way for every arm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from l2laug.classification.arms.registry import ARMS, Setting, choose_arms
from l2laug.classification.heads.head import Floats, Rows, balanced_loss
from l2laug.classification.predictions import Answers
from l2laug.classification.tuning import Tuner, count_trainings, make_folds


class Scripted:
    """A head whose loss is least at a strength and a rate that are given."""

    name = "scripted"
    folds = 3
    tries = 3

    def __init__(self, strength: float, rate: float, shared: bool = False) -> None:
        self.best, self.shared = (strength, rate), shared
        self.rates: Sequence[float] = (0.1, 1.0, 10.0)
        self.asked: list[tuple[Setting, tuple[float, ...]]] = []

    def losses(self, setting: Setting, rates: Sequence[float], folds: Sequence[Rows]) -> Floats:
        assert folds
        self.asked.append((setting, tuple(rates)))
        strength = setting.share or setting.policy.free_form or setting.policy.classical
        return np.array([abs(strength - self.best[0]) + abs(r - self.best[1]) for r in rates])

    def answer(self, setting: Setting, rate: float, seed: int) -> Answers:
        raise AssertionError(f"tuning looks at test images: {setting}, {rate}, {seed}")

    def describe(self) -> dict[str, object]:
        return {}


def nothing(steps: int = 1, note: str = "") -> None:
    """No progress."""


LABELS = np.repeat([0, 1, 2], [10, 4, 10])  # 1 is rare


def test_the_strength_and_the_rate_with_the_least_loss_are_taken():
    tuner = Tuner(Scripted(0.75, 10.0), LABELS, 1, (), nothing)

    tuned = tuner.tune(ARMS["samples"])

    assert (tuned.strength, tuned.rate, tuned.setting.share) == (0.75, 10.0, 0.75)
    assert tuned.loss == 0


@pytest.mark.parametrize("images", [1, 4])
@pytest.mark.parametrize("shared", [True, False])
def test_as_many_trainings_are_told_as_were_counted(images: int, shared: bool) -> None:
    head = Scripted(0.5, 1.0, shared=shared)
    arms = choose_arms(["quick"], ("mirror", "both"))
    labels, told = np.repeat([0, 1, 2], [10, images, 10]), []
    tuner = Tuner(head, labels, 1, ("mirror", "both"), lambda n=1, **_: told.append(n))
    for arm in arms:
        tuner.tune(arm)
    assert sum(told) == count_trainings(head, arms, labels, 1)
    assert sum(told) or (shared and images == 1)  # a rate for all, and nothing to hold out


def test_an_arm_builds_on_the_tuned_strength_of_another():
    head = Scripted(0.5, 1.0)

    tuned = Tuner(head, LABELS, 1, (), nothing).tune(ARMS["free-form + samples"])

    assert tuned.setting.policy.classical == 0.5
    assert tuned.setting.policy.free_form == 0.08  # the nearest to 0.5 that it has
    assert tuned.setting.share == 0.5
    assert len(head.asked) == 9, "three strengths of three arms, all rates at once"


def test_one_rate_serves_all_where_it_is_shared():
    head = Scripted(0.5, 10.0, shared=True)

    tuned = Tuner(head, LABELS, 1, (), nothing).tune(ARMS["classical"])

    assert tuned.rate == 10.0
    assert [rates for _, rates in head.asked] == [(0.1, 1.0, 10.0), *[(10.0,)] * 3]


def test_with_a_single_rare_image_the_middle_strength_is_taken():
    head = Scripted(0.25, 0.1)
    labels = np.repeat([0, 1, 2], [10, 1, 10])

    tuner = Tuner(head, labels, 1, (), nothing)
    tuned = tuner.tune(ARMS["samples"])

    assert (tuned.strength, tuned.rate) == (0.5, 0.1)
    assert "can't be held out" in tuner.budget


@pytest.mark.parametrize(("rare", "parts"), [(1, 2), (2, 2), (3, 3), (9, 4)])
def test_parts_hold_each_image_once_and_never_all_of_the_rare_class(rare: int, parts: int):
    labels = np.repeat([0, 1], [12, rare])

    folds = make_folds(labels, 1, 4)

    assert len(folds) == parts
    held = np.concatenate(folds)
    assert len(np.unique(held)) == len(held) == (12 if rare == 1 else 12 + rare)
    assert all(np.isin(np.flatnonzero(labels == 1), f).sum() < rare for f in folds)


def test_half_of_the_loss_is_the_rare_classs():
    unsure, sure = np.full((99, 2), 0.5), np.array([[1e-9, 1.0]])
    labels = np.append(np.zeros(99, np.int64), 1)

    loss = balanced_loss(np.concatenate([unsure, sure]), labels, 1)

    assert loss == pytest.approx(np.log(2) / 2, abs=1e-6)
    assert balanced_loss(unsure, labels[:99], 1) == pytest.approx(np.log(2))


def test_how_sure_a_classifier_is_does_not_count_but_what_it_mixes_up_does():
    chances = np.random.default_rng(0).dirichlet(np.full(3, 5.0), 400)
    labels = np.array([np.random.default_rng(i).choice(3, p=c) for i, c in enumerate(chances)])
    surer = chances**2 / (chances**2).sum(1, keepdims=True)

    assert balanced_loss(surer, labels, 1) == pytest.approx(balanced_loss(chances, labels, 1))
    assert balanced_loss(chances[::-1], labels, 1) > balanced_loss(chances, labels, 1) + 0.05


def test_images_of_a_unit_are_held_out_together_whatever_their_class():
    random = np.random.default_rng(0)
    labels, units = np.repeat([0, 1, 2], [20, 6, 14]), random.integers(0, 12, 40)
    units[20:26] = [1, 1, 2, 3, 3, 4]

    folds = make_folds(labels, 1, 4, units=units)

    assert len(folds) == 4
    for fold in folds:
        assert not set(units[fold]) & set(np.delete(units, fold))
        assert (labels[fold] == 1).any()
        assert (np.delete(labels, fold) == 1).any()
    assert sorted(np.concatenate(folds)) == list(range(40))


def test_a_single_unit_of_rare_images_is_never_held_out():
    units = np.arange(24)
    units[10:14] = 3  # all rare images, and one of class 0

    folds = make_folds(LABELS, 1, 4, units=units)

    assert not np.isin(np.concatenate(folds), [3, 10, 11, 12, 13]).any()
    assert not Tuner(Scripted(0.5, 1.0), LABELS, 1, (), nothing, units=units).strengths_too


def test_without_units_images_take_turns():
    folds = make_folds(LABELS, 1, 4)

    assert [np.bincount(LABELS[fold]).tolist() for fold in folds] == [
        [3, 1, 3],
        [3, 1, 3],
        [2, 1, 2],
        [2, 1, 2],
    ]
