"""Time left over all stages, by a clock that the test sets."""

from __future__ import annotations

import pytest

from l2laug.core.stages import OutOfTimeError, Stage, Stages
from tests.listening import Listening


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_pace_of_a_kind_is_known_once_one_is_done() -> None:
    clock, lines = Clock(), Listening()
    plan = [Stage("learn", "a", 10), Stage("draw", "b", 5), Stage("learn", "c", 20)]
    stages = Stages(lines, plan, clock)
    assert stages.left() == 35
    with stages.next():
        clock.now = 30.0  # three times as long as thought
    assert stages.left() == 3 * (5 + 20)
    with stages.next():
        clock.now = 32.0
    assert stages.left() == 3 * 20  # drawing went faster, learning is known by itself
    with stages.next():
        clock.now = 92.0
    assert (stages.left(), stages.spent()) == (0, 92)
    assert lines.said[1] == "[2/3] b; 30 s spent, about 1:15 left"


def test_a_task_that_is_going_on_counts() -> None:
    clock = Clock()
    stages = Stages(Listening(), [Stage("learn", "a", 10), Stage("draw", "b", 5)], clock)
    with stages.next(), stages.task("training", 100) as advance:
        clock.now = 6.0
        advance(20)
        # a fifth took 6 seconds: 24 are left, and all is three times as slow as thought
        assert stages.left() == pytest.approx(24 + 5 * 3)
        clock.now = 30.0
        advance(80)
        assert stages.left() == pytest.approx(5 * 3)


def test_what_comes_behind_a_task_counts_at_its_pace() -> None:
    clock = Clock()
    plan = [Stage("learn", "a", 100, tail=20), Stage("draw", "b", 50)]
    stages = Stages(Listening(), plan, clock)
    with stages.next(), stages.task("training", 100) as advance:
        clock.now = 40.0
        advance(25)
        # 160 seconds for what was thought to take 80: all is twice as slow
        assert stages.left() == pytest.approx(120 + 20 * 2 + 50 * 2)


def test_a_task_that_will_be_broken_off_ends_then() -> None:
    clock = Clock()
    stages = Stages(
        Listening(), [Stage("learn", "a", 60, tail=10, cut=50), Stage("b", "b", 30)], clock
    )
    with stages.next(), stages.task("training", 1000) as advance:
        clock.now = 20.0
        advance(10)
        assert stages.left() == pytest.approx(30 + 10 + 30)


def test_a_deadline_ends_what_goes_on_and_stops_what_would_not_end() -> None:
    clock = Clock()
    stages = Stages(Listening(), [Stage("learn", "a", 10), Stage("learn", "b", 10)], clock)
    stages.deadline = 30.0

    def train() -> None:
        with stages.next(), stages.task("training", 4) as advance:
            clock.now = 29.0
            advance()
            clock.now = 31.0
            advance()

    with pytest.raises(OutOfTimeError):
        train()
    assert stages.estimate(stages.stages[1:]) == 10  # what was cut short tells no pace
    stages.deadline = 45.0
    with stages.next():
        stages.check(14.0)
        with pytest.raises(OutOfTimeError):
            stages.check(15.0)
    assert stages.done == 2
