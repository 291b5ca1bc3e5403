"""Which arms compete, and what their strengths stand for."""

from __future__ import annotations

import pytest

from l2laug.classification.arms.policy import Policy
from l2laug.classification.arms.registry import ARMS, Setting, choose_arms
from l2laug.core.errors import UsageError


def names(*asked: str, flips: tuple[str, ...] = ()) -> list[str]:
    return [arm.name for arm in choose_arms(asked, flips)]


def test_quick_is_six_rivals_and_what_samples_do_beside_each_that_changes():
    rivals = ["none", "oversampling", "classical", "weighted", "free-form"]
    twins = ["samples", *(f"{name} + samples" for name in rivals[2:])]

    assert names("quick") == rivals + twins
    with_flips = names("quick", flips=("mirror",))
    assert with_flips == [*rivals, "flips", *twins, "flips + samples"]
    (flips,) = [arm for arm in choose_arms(["quick"], ("mirror", "both")) if arm.name == "flips"]
    assert flips.strengths == ("mirror", "both")


def test_full_has_all_and_single_ones_can_be_named():
    assert {"erasing", "cutmix", "mixup", "nearest"} <= set(names("full"))
    assert names("nearest") == ["nearest", "samples"]
    assert names("classical", "none") == ["none", "classical", "samples", "classical + samples"]


def test_what_there_is_not_is_said():
    with pytest.raises(UsageError, match="wild"):
        choose_arms(["quick", "wild"], ())
    with pytest.raises(UsageError, match="nothing to compare"):
        choose_arms(["samples"], ())


def test_a_strength_is_a_change_or_a_share():
    tuned = Setting(Policy(classical=0.5))

    assert ARMS["free-form"].setting(0.04, tuned).policy == Policy(classical=0.5, free_form=0.04)
    drawn = ARMS["classical + samples"].setting(0.25, tuned)
    assert (drawn.policy, drawn.extra, drawn.share) == (tuned.policy, "samples", 0.25)
    assert not ARMS["none"].setting(0.0, Setting()).balanced
    weighted = ARMS["weighted"].setting(4.0, tuned)
    assert (weighted.weight, weighted.policy) == (4.0, tuned.policy)
    assert ARMS["weighted + samples"].setting(0.5, weighted).weight == 4.0
