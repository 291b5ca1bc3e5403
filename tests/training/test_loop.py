"""The training loop: how far it goes, what it does on the way, what it logs, when it gives up."""

from __future__ import annotations

import time

import pytest
import torch
from torch import Tensor

from l2laug.artifacts.training_log import TrainingLog
from l2laug.core.errors import RecipeError
from l2laug.core.progress import Progress
from l2laug.training.loop import Every, Losses, Phase, run_training, seconds_left

QUIET = Progress(quiet=True)


class Counting:
    """Step i has the loss i, from 1, and every third one a penalty of 3."""

    def __init__(self, taken: int = 0) -> None:
        self.taken = taken

    def __call__(self) -> dict[str, Tensor]:
        self.taken += 1
        losses = {"critic": torch.tensor(float(self.taken))}
        return losses | ({"penalty": torch.tensor(3.0)} if self.taken % 3 == 0 else {})


def test_losses_are_means_over_the_steps_since_the_last_line():
    log = TrainingLog()

    assert run_training(Counting(), Phase("source", "", 12), QUIET, log) == 12
    # Lines are 5 steps apart: means of 1..5, 6..10 and 11, 12.
    assert [(x["phase"], x["step"], x["losses"]) for x in log.lines] == [
        ("source", 5, {"critic": 3.0, "penalty": 3.0}),
        ("source", 10, {"critic": 8.0, "penalty": 3.0}),
        ("source", 12, {"critic": 11.5, "penalty": 3.0}),
    ]
    seconds = [x["seconds"] for x in log.lines]
    assert seconds == sorted(seconds)


def test_a_long_phase_fills_two_hundred_lines():
    log = TrainingLog()
    run_training(Counting(), Phase("source", "", 4000), QUIET, log)

    assert len(log.lines) == 200


def test_it_goes_on_from_where_it_was():
    step = Counting(7)

    assert run_training(step, Phase("weak", "", 10, done=7), QUIET) == 10
    assert step.taken == 10


def test_things_are_done_every_so_many_steps_and_after_the_last_one():
    done: list[str] = []
    run_training(
        Counting(),
        Phase("target", "", 5),
        QUIET,
        every=[
            Every(2, lambda n: done.append(f"save {n}")),
            Every(4, lambda n: done.append(f"look {n}"), first=True),
        ],
    )
    assert done == ["look 0", "save 2", "save 4", "look 4", "save 5", "look 5"]


def test_what_is_done_on_the_way_may_end_it():
    step, done = Counting(), list[int]()

    def enough(n: int) -> bool:
        return n == 4

    every = [Every(2, enough), Every(4, done.append)]
    assert run_training(step, Phase("target", "", 100), QUIET, every=every) == 4
    assert step.taken == 4
    assert done == [4]  # what is due at the same step is done all the same


def test_seconds_end_it(capsys: pytest.CaptureFixture[str]):
    def slow() -> Losses:
        time.sleep(0.02)
        return {}

    phase = Phase("target", "learning", 10_000, seconds=0.1)
    done = run_training(slow, phase, Progress())
    assert 1 <= done <= 6
    assert f"learning: time is up after {done} steps" in capsys.readouterr().err


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -1e9])
def test_losses_that_are_no_numbers_end_it_before_anything_is_kept(odd: float):
    kept: list[int] = []
    losses = iter([1.0, 1.0, odd, 1.0, 1.0, 1.0])

    with pytest.raises(RecipeError, match=r"diverged by step 4: its losses \(critic\)"):
        run_training(
            lambda: {"critic": torch.tensor(next(losses)), "real": torch.tensor(0.0)},
            Phase("source", "", 6),
            QUIET,
            every=[Every(2, kept.append)],
        )
    assert kept == [2]


def test_losses_that_are_no_numbers_are_seen_where_the_time_is_up():
    def odd() -> Losses:
        time.sleep(0.02)
        return {"critic": torch.tensor(float("nan"))}

    with pytest.raises(RecipeError, match="diverged by step 1"):
        run_training(odd, Phase("target", "", 5, seconds=0.01), QUIET)


def test_what_earlier_calls_spent_on_a_phase_is_left_out_of_its_seconds():
    log = TrainingLog(
        before=[
            {"phase": "source", "step": 5, "seconds": 3.0},
            {"phase": "source", "step": 10, "seconds": 5.0},
            {"phase": "weak", "step": 5, "seconds": 70.0},
        ]
    )
    assert seconds_left(log, "source", 12.0) == 7.0
    assert seconds_left(log, "gems", 12.0) == 12.0
    assert seconds_left(log, "source", None) is None
